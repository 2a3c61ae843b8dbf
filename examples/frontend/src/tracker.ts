import Tracker from "@openreplay/tracker/class";

const API = new URL(import.meta.env.VITE_API_URL, location.href);

/** Whether an address is one of your own API. The tracker asks with whole addresses and with relative ones. */
export function isOwnApi(address: string): boolean {
  try {
    return new URL(address, location.href).origin === API.origin;
  } catch {
    return false;
  }
}

/**
 * The tracker, not started yet.
 *
 * With `sendsToken` it adds its token to requests by itself. The matcher is what keeps the token, a credential, from
 * every other origin that the page calls.
 */
export function makeTracker(sendsToken: boolean): Tracker {
  return new Tracker({
    projectKey: import.meta.env.VITE_PROJECT_KEY,
    ingestPoint: import.meta.env.VITE_INGEST_POINT,
    // Only for pages on http:, such as this one on your own machine.
    __DISABLE_SECURE_MODE: location.protocol === "http:",
    network: {
      capturePayload: false,
      failuresOnly: false,
      ignoreHeaders: ["Cookie", "Set-Cookie", "Authorization"],
      captureInIframes: false,
      sessionTokenHeader: sendsToken,
      tokenUrlMatcher: isOwnApi,
    },
  });
}
