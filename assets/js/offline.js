// The page that the service worker shows while the console cannot be reached, at the address of the one that was asked
// for.

import { find } from "./dom.js";
import { root } from "./key.js";

const interval = 3000; // ms

const again = () => location.reload();
find("#again").addEventListener("click", again);
addEventListener("online", again);
setInterval(async () => {
  const answer = await fetch(`${root}/healthz`).catch(() => null);
  if (answer?.ok) again();
}, interval);
