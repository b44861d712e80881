// Messages to the user: notices, questions, and the state of the stream.

import { ask } from "./dialog.js";
import { all, find, set, stamp } from "./dom.js";

const durations = { info: 6000, warn: 12000 }; // ms; errors stay

// notice shows a notice, and returns its element.
export function notice(level, text, hint = "") {
  const element = stamp("notice-template");
  element.dataset.level = level;
  const icon = find("use", element);
  const name = { error: "#circle-alert", warn: "#triangle-alert" }[level] ?? "#info";
  icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, name));
  find(".notice-text", element).textContent = text;
  find(".notice-hint", element).textContent = hint;
  find("#notices").append(element);
  return element;
}

// Notices also come as HTML from the server. All disappear on their own, except errors.
new MutationObserver((changes) => {
  for (const element of changes.flatMap((change) => [...change.addedNodes])) {
    if (!(element instanceof HTMLElement)) continue;
    for (const other of all("#notices .notice")) {
      if (other !== element && other.textContent === element.textContent) other.remove();
    }
    const ms = durations[element.dataset.level];
    if (ms) leave(element, ms);
  }
  for (const old of all("#notices .notice").slice(0, -4)) old.remove();
}).observe(find("#notices"), { childList: true });

function leave(element, ms) {
  setTimeout(() => (element.matches(":hover, :focus-within") ? leave(element, 2000) : element.remove()), ms);
}

// confirm asks the user, and resolves to whether the answer is yes.
export async function confirm(title, text, yes) {
  if (find("#confirm")) return false;
  const answer = await ask("confirm-template", (dialog) => {
    find("h2", dialog).textContent = title;
    find("p", dialog).textContent = text;
    find("[value=yes]", dialog).textContent = yes;
  });
  return answer === "yes";
}

// --- the stream ---

const linkTexts = {
  connecting: "Connecting …",
  waiting: "The connection is lost. You see the last screens.",
  offline: "This device is offline. You see the last screens.",
  loggedout: "You are logged out.",
  stale: "Convoy was updated. Reload the page to use the new version.",
};
const linkDelay = 1500; // ms before the page reports a lost connection
let retryAt = 0;
let linkTimer = 0;
let stale = false;

// linkState shows the state of the stream, and the ms until the next attempt.
export function linkState(state, ms = 0) {
  document.body.dataset.link = state;
  retryAt = state === "waiting" && ms ? performance.now() + ms : 0;
  const calm = state === "open" || state === "hidden";
  if (calm || state === "loggedout" || state === "offline" || !find("#link").hidden) {
    clearTimeout(linkTimer);
    showLink(calm ? "" : state);
  } else {
    linkTimer ||= setTimeout(() => showLink(document.body.dataset.link), linkDelay);
  }
}

// linkStale shows that the server runs another version than the one that made this page.
export function linkStale() {
  stale = true;
  showLink("");
}

function showLink(state) {
  linkTimer = 0;
  if (!state && stale) state = "stale";
  const banner = find("#link");
  banner.dataset.state = state;
  banner.hidden = !linkTexts[state];
  set(find("p", banner), linkTexts[state] ?? "");
  find("[data-action=reconnect]", banner).hidden = state !== "waiting" && state !== "offline";
  find("[data-action=reload]", banner).hidden = state !== "stale";
  find("a", banner).hidden = state !== "loggedout";
  countdown();
}

// countdown shows the time until the next attempt; it is called every second.
export function countdown() {
  const s = Math.ceil((retryAt - performance.now()) / 1000);
  set(find("#link .wait"), retryAt && s > 0 ? `Retrying in ${s} s.` : "");
}

