// A shop with one button. `?way=token` lets the tracker send its token; otherwise wrappers send the session's id.

import axios from "axios";
import { keepSessionCookie } from "./session-cookie";
import { addSessionTo, fetchWithSession, patchXMLHttpRequest, type SessionSource } from "./session-headers";
import { makeTracker } from "./tracker";

const API = import.meta.env.VITE_API_URL;
const parameters = new URLSearchParams(location.search);
const sendsToken = parameters.get("way") === "token";
const elsewhere = parameters.get("elsewhere") ?? "";

const tracker = makeTracker(sendsToken);
const getSessionID = (): string | null | undefined => tracker.getSessionID();
const source: SessionSource = { getSessionID, origins: [new URL(API, location.href).origin] };
// A client without the interceptor, for the way on which the tracker does it all.
const client = axios.create({ baseURL: API });
if (!sendsToken) {
  window.fetch = fetchWithSession(source);
  addSessionTo(client, source);
  if (parameters.get("xhr") === "patched") patchXMLHttpRequest(source);
}

const byXHR = (address: string): Promise<number> =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.onloadend = () => resolve(request.status);
    request.send();
  });

const ways: Record<string, (order: string) => Promise<number>> = {
  fetch: async (order) => (await fetch(`${API}/api/pay/${order}`, { method: "POST" })).status,
  request: async (order) =>
    (await fetch(new Request(`${API}/api/pay/${order}`, { method: "POST", headers: { "X-Mine": "kept" } }))).status,
  xhr: (order) => byXHR(`${API}/api/pay/${order}`),
  axios: async (order) => (await client.post(`/api/pay/${order}`, {}, { validateStatus: null })).status,
  "elsewhere-fetch": async () => (await fetch(`${elsewhere}/fetch`)).status,
  "elsewhere-xhr": () => byXHR(`${elsewhere}/xhr`),
  "elsewhere-axios": async () => (await client.get(`${elsewhere}/axios`, { validateStatus: null })).status,
};

const status = document.querySelector<HTMLOutputElement>("#status")!;
for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-way]")) {
  button.addEventListener("click", async () => {
    status.value = "…";
    const answered = await ways[button.dataset.way!]!(button.dataset.order ?? "7");
    status.value = answered < 400 ? "Thank you." : `Sorry, that did not work (${answered}).`;
  });
}
document.querySelector<HTMLFormElement>("form")!.action = `${API}/pay-by-form`;

async function start(): Promise<void> {
  await tracker.start().catch((reason: unknown) => console.warn("no recording:", reason));
  keepSessionCookie(getSessionID);
  document.body.dataset.session = getSessionID() ?? "";
}

// For the tests, and for a look from the console.
Object.assign(window, { shop: { tracker, start } });
if (parameters.get("start") !== "later") void start();
