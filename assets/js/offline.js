// The page that the service worker shows while the console cannot be reached, at the address of the one that was asked
// for.

import { find } from "./dom.js";
import "./key.js";

const again = () => location.reload();
find("#again").addEventListener("click", again);
addEventListener("online", again);
