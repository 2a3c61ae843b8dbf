// In place of the script that the dashboard's snippet loads from OpenReplay: the same tracker, put where the snippet
// puts it, some time after the page's own code.

import { makeTracker } from "./tracker";

export async function load(): Promise<void> {
  const tracker = makeTracker(false);
  window.OpenReplay = tracker;
  await tracker.start().catch((reason: unknown) => console.warn("no recording:", reason));
  document.body.dataset.session = tracker.getSessionID() ?? "";
}
