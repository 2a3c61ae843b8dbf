// Page loads and forms carry no header. A cookie of your own site tells the backend their session: the id, never the
// token. Name it in the backend's setting `cookie` (OPENREPLAY_OTEL_COOKIE).

export const SESSION_COOKIE = "openreplay_session";

/** Keeps the cookie at the id of the moment: of this tab when it is used, and none once there is no session. */
export function keepSessionCookie(getSessionID: () => string | null | undefined): void {
  const write = (): void => {
    const id = getSessionID();
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const age = id ? "" : "; Max-Age=0";
    document.cookie = `${SESSION_COOKIE}=${id ?? ""}; Path=/; SameSite=Lax${secure}${age}`;
  };
  write();
  // Another tab may have written its own: what counts is the one in which somebody clicks or sends.
  for (const event of ["pointerdown", "keydown", "submit", "focus"]) {
    window.addEventListener(event, write, { capture: true });
  }
}
