// Sends the id of OpenReplay's session with requests to your own API, and with no others.
//
// - The id is asked for at each request: it is not there before `start()` has ended, and another tab can change it.
// - Without an id nothing is sent, so that a request never waits for the recording.
// - Other origins get nothing, and need no `Access-Control-Allow-Headers` for it.

import type { AxiosInstance } from "axios";

/** The header that OpenReplay documents. Some proxies drop names with a dot: then use DOT_FREE_HEADER. */
export const SESSION_HEADER = "openReplaySession.id";
export const DOT_FREE_HEADER = "X-OpenReplay-Session-Id";

export interface SessionSource {
  /** `tracker.getSessionID` of the npm package, `OpenReplay.getSessionID` of the snippet. */
  getSessionID: () => string | null | undefined;
  /** Origins of your own API, such as `https://api.example.com`. */
  origins: readonly string[];
  /** Another header than SESSION_HEADER. */
  header?: string;
}

/** The header and its value for a request to an address; nothing where it must carry none. */
export function sessionHeader(source: SessionSource, address: string): [string, string] | undefined {
  let origin: string;
  try {
    origin = new URL(address, location.href).origin;
  } catch {
    return undefined;
  }
  const id = source.origins.includes(origin) ? source.getSessionID() : undefined;
  return id ? [source.header ?? SESSION_HEADER, id] : undefined;
}

/** A `fetch` that sends the session: use it in place of the global one, or put it there. */
export function fetchWithSession(source: SessionSource, send: typeof fetch = window.fetch): typeof fetch {
  return (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const header = sessionHeader(source, request?.url ?? String(input));
    if (!header) return send.call(window, input, init);
    const headers = new Headers(init?.headers ?? request?.headers);
    headers.set(...header);
    return send.call(window, input, { ...init, headers });
  };
}

/** Lets every XMLHttpRequest of the page send the session. Returns what undoes it. */
export function patchXMLHttpRequest(source: SessionSource): () => void {
  const addresses = new WeakMap<XMLHttpRequest, string>();
  const done = new WeakSet<XMLHttpRequest>();
  const name = (source.header ?? SESSION_HEADER).toLowerCase();
  const { open, send, setRequestHeader } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, ...args: unknown[]): void {
    addresses.set(this, String(args[1]));
    done.delete(this);
    (open as (...all: unknown[]) => void).apply(this, args);
  };
  XMLHttpRequest.prototype.setRequestHeader = function (this: XMLHttpRequest, header, value): void {
    if (header.toLowerCase() === name) done.add(this);
    setRequestHeader.call(this, header, value);
  };
  XMLHttpRequest.prototype.send = function (this: XMLHttpRequest, body): void {
    // A second value would be put behind the first one, and "1, 1" is no id: axios may have set it already.
    const header = done.has(this) ? undefined : sessionHeader(source, addresses.get(this) ?? "");
    if (header) setRequestHeader.call(this, ...header);
    send.call(this, body);
  };
  return () => Object.assign(XMLHttpRequest.prototype, { open, send, setRequestHeader });
}

/** Lets one instance of axios send the session. */
export function addSessionTo(client: AxiosInstance, source: SessionSource): void {
  client.interceptors.request.use((config) => {
    const header = sessionHeader(source, client.getUri(config));
    if (header) config.headers.set(...header);
    return config;
  });
}
