// The state of the page's stream: the banner below the header (link.html).

import { all, find, set } from "./dom.js";

const delay = 1500; // ms before the page reports a lost connection
const banner = find("#link");
let retryAt = 0;
let timer = 0;
let stale = false; // the server runs another version than the one that made this page

/** showLink shows the state of the stream, and the ms until the next attempt. */
export function showLink(state, ms = 0) {
  document.body.dataset.link = state;
  retryAt = state === "waiting" && ms ? performance.now() + ms : 0;
  const calm = state === "open" || state === "hidden";
  if (!calm && state !== "loggedout" && state !== "offline" && banner.hidden) {
    timer ||= setTimeout(() => draw(document.body.dataset.link), delay);
  } else {
    clearTimeout(timer);
    draw(calm ? "" : state);
  }
}

/** follow follows a stream whose state showLink shows: its version, its clock, and the buttons about it. */
export function follow(stream) {
  stream.on("hello", ({ build }) => {
    if (!build || build === document.body.dataset.build) return;
    stale = true;
    draw("");
  });
  stream.on("hb", (ms) => { customElements.get("relative-time").skew = ms - Date.now(); });
  find("[data-reconnect]", banner).addEventListener("click", () => stream.reconnect());
  find("[data-reload]", banner).addEventListener("click", () => location.reload());
}

function draw(state) {
  timer = 0;
  banner.dataset.state = state || (stale ? "stale" : "");
  const parts = all("[data-when]", banner);
  for (const part of parts) part.hidden = !part.dataset.when.split(" ").includes(banner.dataset.state);
  banner.hidden = parts.every((part) => part.hidden);
  countDown();
}

function countDown() {
  const s = Math.ceil((retryAt - performance.now()) / 1000);
  set(find(".wait", banner), retryAt && s > 0 ? `Retrying in ${s} s.` : "");
}

setInterval(countDown, 1000);
