// Comfort only: everything that the page says can be read without it.
"use strict";

(() => {
  const pad = (number, digits = 2) => String(number).padStart(digits, "0");

  // Times in the viewer's zone; UTC stays in the title.
  function localTimes(root) {
    for (const element of root.querySelectorAll("time[data-kind]")) {
      const moment = new Date(element.dateTime);
      if (Number.isNaN(moment.getTime()) || element.dataset.done) continue;
      element.dataset.done = "1";
      const clock = `${pad(moment.getHours())}:${pad(moment.getMinutes())}:${pad(moment.getSeconds())}`;
      if (element.dataset.kind === "clock") {
        element.textContent = `${clock}.${pad(moment.getMilliseconds(), 3)}`;
      } else {
        element.textContent =
          `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())} ${clock}`;
      }
    }
  }

  // A choice is applied at once; a text when Enter is pressed.
  function applyFilters() {
    for (const form of document.querySelectorAll("form[data-auto]")) {
      form.addEventListener("change", (event) => {
        if (event.target instanceof HTMLSelectElement) form.requestSubmit();
      });
      form.addEventListener("submit", () => {
        // What is not asked for needs no place in the address.
        for (const field of form.elements) {
          if (field.name && !field.value) field.disabled = true;
        }
      });
    }
    // Back in the history, they have to be there again.
    window.addEventListener("pageshow", () => {
      for (const field of document.querySelectorAll("form[data-auto] :disabled")) field.disabled = false;
    });
  }

  const items = () => [...document.querySelectorAll(".record summary, .sessions .item")];

  function move(step, isWanted = () => true) {
    const all = items();
    const at = all.indexOf(document.activeElement);
    const rest = step > 0 ? all.slice(at + 1) : all.slice(0, at < 0 ? all.length : at).reverse();
    const next = rest.find(isWanted);
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
  }

  const isError = (item) => item.closest(".record.error") !== null;
  const keys = {
    "/": () => document.getElementById("q")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    e: () => move(1, isError),
    E: () => move(-1, isError),
    o: () => document.activeElement?.closest(".record, tr")?.querySelector("a.recording, a.play")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target instanceof HTMLElement && target.matches("input, select, textarea")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // The records of the trace on which the focus or the pointer rests.
  function markTrace(event) {
    const record = event.target instanceof Element ? event.target.closest(".record") : null;
    const trace = record?.dataset.trace;
    for (const other of document.querySelectorAll(".record")) {
      other.classList.toggle("same-trace", Boolean(trace) && other.dataset.trace === trace);
    }
  }

  // The page itself is asked for again, and what is new in it is taken over: no second way to the records.
  function follow(button) {
    const pause = Number(button.dataset.live);
    const list = document.querySelector(".timeline");
    const known = new Set([...document.querySelectorAll(".record")].map((record) => record.id));
    const atEnd = () => window.innerHeight + window.scrollY >= document.body.scrollHeight - 120;

    async function look() {
      const answer = await fetch(location.href.split("#")[0], { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!list) {
        if (page.querySelector(".record")) location.reload();
        return;
      }
      for (const id of ["figures", "strip"]) {
        const fresh = page.getElementById(id);
        if (fresh) document.getElementById(id).replaceWith(document.importNode(fresh, true));
      }
      localTimes(document.getElementById("figures"));
      const wasAtEnd = atEnd();
      let found = false;
      for (const fresh of page.querySelectorAll(".record")) {
        if (known.has(fresh.id)) continue;
        known.add(fresh.id);
        found = true;
        const record = document.importNode(fresh, true);
        record.classList.add("new");
        const later = [...list.children].find((other) => other.dataset.at > record.dataset.at);
        list.insertBefore(record, later ?? null);
        localTimes(record);
      }
      if (found && wasAtEnd) window.scrollTo({ top: document.body.scrollHeight });
    }

    async function again() {
      if (!document.hidden) {
        try {
          await look();
          button.textContent = "● Live";
        } catch {
          button.textContent = "● Live (no answer, trying again)";
        }
      }
      setTimeout(again, pause);
    }

    window.scrollTo({ top: document.body.scrollHeight });
    setTimeout(again, pause);
  }

  localTimes(document);
  applyFilters();
  document.addEventListener("focusin", markTrace);
  document.addEventListener("pointerover", markTrace);
  const live = document.querySelector("a[data-live]");
  if (live) follow(live);
})();
