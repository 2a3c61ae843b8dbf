// With the snippet of OpenReplay's dashboard, which puts the tracker at `window.OpenReplay`. Calls that come before
// it is loaded only wait in a queue: `getSessionID` is there once it is, and that is asked for each time.

import { addSessionTo, fetchWithSession } from "./session-headers";
import axios from "axios";

declare global {
  interface Window {
    OpenReplay?: { getSessionID?: () => string | null | undefined };
  }
}

const API = import.meta.env.VITE_API_URL;
const source = {
  getSessionID: () => window.OpenReplay?.getSessionID?.(),
  origins: [new URL(API, location.href).origin],
};
window.fetch = fetchWithSession(source);
const client = axios.create({ baseURL: API });
addSessionTo(client, source);

const status = document.querySelector<HTMLOutputElement>("#status")!;
document.querySelector("#fetch")!.addEventListener("click", async () => {
  status.value = String((await fetch(`${API}/api/pay/7`, { method: "POST" })).status);
});
document.querySelector("#axios")!.addEventListener("click", async () => {
  status.value = String((await client.post("/api/pay/7", {}, { validateStatus: null })).status);
});

// Your page has the dashboard's snippet instead of this.
Object.assign(window, { loadHostedTracker: async () => (await import("./hosted-tracker")).load() });
if (!new URLSearchParams(location.search).has("later")) {
  void (window as unknown as { loadHostedTracker: () => Promise<void> }).loadHostedTracker();
}
