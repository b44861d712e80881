// Logs: a view of one log, and the dock with the log of all nodes (log_view.html).

import { all, find, remember, remembered, set } from "./dom.js";

const maxLines = 2000; // in the page
const near = 24; // px from the end that count as the end
const ranks = { debug: 0, info: 1, warn: 2, error: 3 };
const clock = new Intl.DateTimeFormat([], {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});

// newLogView shows log lines, <li> elements from the server. It keeps the last 2,000, ordered by time, and follows the end
// until the user scrolls up. element contains the parts by their data-log-… attributes.
export function newLogView(element) {
  const waiting = []; // HTML not in the page yet
  let drawing = false; // soon
  let following = true;
  let unseen = 0;
  const part = (name) => find(`[data-log-${name}]`, element);
  const list = part("lines");
  part("level").addEventListener("change", filter);
  part("text").addEventListener("input", filter);
  part("clear").addEventListener("click", clear);
  part("pause").addEventListener("click", pause);
  part("jump").addEventListener("click", toEnd);
  list.addEventListener("scroll", scrolled, { passive: true });
  new ResizeObserver(follow).observe(list);

  // append adds lines, soon: also in hidden tabs, which draw no frames, and must not accumulate lines.
  function append(html) {
    waiting.push(html);
    if (waiting.length > maxLines) waiting.shift();
    schedule();
  }

  const paused = () => part("pause").ariaPressed === "true";

  function schedule() {
    if (drawing || paused()) return;
    drawing = true;
    setTimeout(draw, document.hidden ? 500 : 50);
  }

  function draw() {
    drawing = false;
    const holder = document.createElement("template");
    holder.innerHTML = waiting.splice(0).join("");
    const fresh = all("li", holder.content).slice(-maxLines);
    for (const line of fresh) insert(line);
    while (list.childElementCount > maxLines) list.firstElementChild.remove();
    filter();
    if (!following) unseen += fresh.filter((line) => line.isConnected && !line.hidden).length;
    showJump();
  }

  // insert orders lines by time: those of each node arrive on their own.
  function insert(line) {
    const time = find("time", line);
    if (time.dateTime) time.textContent = clock.format(new Date(time.dateTime));
    let before = list.lastElementChild;
    while (before?.dataset.at > line.dataset.at) before = before.previousElementSibling;
    if (before) before.after(line);
    else list.prepend(line);
  }

  // filter hides the lines that the user does not want, and counts the others.
  function filter() {
    const least = ranks[part("level").value];
    const words = part("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const lines = [...list.children];
    for (const line of lines) {
      const text = words.length ? line.textContent.toLowerCase() : "";
      line.hidden = (ranks[line.dataset.level] ?? ranks.info) < least || !words.every((word) => text.includes(word));
    }
    const shown = lines.filter((line) => !line.hidden).length;
    set(part("count"), `${shown === lines.length ? "" : `${shown} of `}${lines.length} lines`);
    set(part("blank"), shown ? "" : lines.length ? "No matching lines." : "No lines yet.");
    follow();
  }

  function clear() {
    waiting.length = 0;
    list.replaceChildren();
    filter();
    toEnd();
  }

  function pause() {
    part("pause").ariaPressed = String(!paused());
    schedule();
  }

  function scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = list;
    following = scrollHeight - scrollTop - clientHeight <= near;
    showJump();
  }

  function showJump() {
    if (following) unseen = 0;
    part("jump").hidden = following;
    set(find("span", part("jump")), unseen ? `${unseen} new` : "Latest");
  }

  function toEnd() {
    following = true;
    follow();
    showJump();
  }

  function follow() {
    if (following) list.scrollTop = list.scrollHeight;
  }

  return { append };
}

// newDock is the log of all nodes at the bottom of the page: its visibility and height are remembered in this browser.
// button shows and hides it; onOpen is called whenever it is opened.
export function newDock(aside, button, onOpen) {
  const view = newLogView(aside);
  const grip = find(".grip", aside);
  grip.value = remembered("convoy.log.height") || grip.defaultValue;
  resize(grip.value);
  grip.addEventListener("input", () => resize(grip.value));
  show(remembered("convoy.log") === "open");

  function toggle() {
    const open = aside.hidden;
    show(open);
    remember("convoy.log", open ? "open" : "closed");
    if (open) find("[data-log-lines]", aside).focus({ preventScroll: true });
    else button.focus();
  }

  function show(open) {
    aside.hidden = !open;
    button.ariaExpanded = String(open);
    if (open) onOpen();
  }

  // resize takes percent of what is possible.
  function resize(height) {
    aside.style.setProperty("--dock", height);
    remember("convoy.log.height", height);
  }

  return { view, toggle };
}
