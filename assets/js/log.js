// Logs: a view of one log, and the dock with the log of all nodes (log_view.html).

import { all, find, remember, remembered, set } from "./dom.js";

const maxLines = 2000; // in the page
const near = 24; // px from the end that count as the end
const ranks = { debug: 0, info: 1, warn: 2, error: 3 };
const clock = new Intl.DateTimeFormat([], {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});

// LogView shows log lines, <li> elements from the server. It keeps the last 2,000, ordered by time, and follows the end
// until the user scrolls up. element contains the parts by their data-log-… attributes.
export class LogView {
  #part;
  #lines;
  #waiting = []; // HTML not in the page yet
  #timer = 0;
  #following = true;
  #unseen = 0;

  constructor(element) {
    const part = this.#part = (name) => find(`[data-log-${name}]`, element);
    this.#lines = part("lines");
    part("level").addEventListener("change", () => this.#filter());
    part("text").addEventListener("input", () => this.#filter());
    part("clear").addEventListener("click", () => this.#clear());
    part("pause").addEventListener("click", () => this.#pause());
    part("jump").addEventListener("click", () => this.#toEnd());
    this.#lines.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#follow()).observe(this.#lines);
  }

  // append adds lines, soon: also in hidden tabs, which draw no frames, and must not accumulate lines.
  append(html) {
    this.#waiting.push(html);
    if (this.#waiting.length > maxLines) this.#waiting.shift();
    this.#schedule();
  }

  get #paused() { return this.#part("pause").ariaPressed === "true"; }

  #schedule() {
    if (!this.#paused) this.#timer ||= setTimeout(() => this.#draw(), document.hidden ? 500 : 50);
  }

  #draw() {
    this.#timer = 0;
    const holder = document.createElement("template");
    holder.innerHTML = this.#waiting.splice(0).join("");
    const fresh = all("li", holder.content).slice(-maxLines);
    for (const line of fresh) this.#insert(line);
    while (this.#lines.childElementCount > maxLines) this.#lines.firstElementChild.remove();
    this.#filter();
    if (!this.#following) this.#unseen += fresh.filter((line) => line.isConnected && !line.hidden).length;
    this.#showJump();
  }

  // insert orders lines by time: those of each node arrive on their own.
  #insert(line) {
    const time = find("time", line);
    if (time.dateTime) time.textContent = clock.format(new Date(time.dateTime));
    let before = this.#lines.lastElementChild;
    while (before?.dataset.at > line.dataset.at) before = before.previousElementSibling;
    if (before) before.after(line);
    else this.#lines.prepend(line);
  }

  // filter hides the lines that the user does not want, and counts the others.
  #filter() {
    const least = ranks[this.#part("level").value];
    const words = this.#part("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const lines = [...this.#lines.children];
    for (const line of lines) {
      const text = words.length ? line.textContent.toLowerCase() : "";
      line.hidden = (ranks[line.dataset.level] ?? ranks.info) < least || !words.every((word) => text.includes(word));
    }
    const shown = lines.filter((line) => !line.hidden).length;
    set(this.#part("count"), `${shown === lines.length ? "" : `${shown} of `}${lines.length} lines`);
    set(this.#part("blank"), shown ? "" : lines.length ? "No matching lines." : "No lines yet.");
    this.#follow();
  }

  #clear() {
    this.#waiting.length = 0;
    this.#lines.replaceChildren();
    this.#filter();
    this.#toEnd();
  }

  #pause() {
    this.#part("pause").ariaPressed = String(!this.#paused);
    this.#schedule();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#lines;
    this.#following = scrollHeight - scrollTop - clientHeight <= near;
    this.#showJump();
  }

  #showJump() {
    if (this.#following) this.#unseen = 0;
    this.#part("jump").hidden = this.#following;
    set(find("span", this.#part("jump")), this.#unseen ? `${this.#unseen} new` : "Latest");
  }

  #toEnd() {
    this.#following = true;
    this.#follow();
    this.#showJump();
  }

  #follow() {
    if (this.#following) this.#lines.scrollTop = this.#lines.scrollHeight;
  }
}

// Dock is the log of all nodes at the bottom of the page: its visibility and height are remembered in this browser.
// onOpen is called whenever it is opened.
export class Dock {
  #aside;
  #toggle;
  #onOpen;

  constructor(aside, toggle, onOpen) {
    this.#aside = aside;
    this.#toggle = toggle;
    this.#onOpen = onOpen;
    this.view = new LogView(aside);
    const grip = find(".grip", aside);
    grip.value = remembered("convoy.log.height") || grip.defaultValue;
    this.#resize(grip.value);
    grip.addEventListener("input", () => this.#resize(grip.value));
    this.#show(remembered("convoy.log") === "open");
  }

  toggle() {
    const open = this.#aside.hidden;
    this.#show(open);
    remember("convoy.log", open ? "open" : "closed");
    if (open) find("[data-log-lines]", this.#aside).focus({ preventScroll: true });
    else this.#toggle.focus();
  }

  #show(open) {
    this.#aside.hidden = !open;
    this.#toggle.ariaExpanded = String(open);
    if (open) this.#onOpen();
  }

  // resize takes percent of what is possible.
  #resize(height) {
    this.#aside.style.setProperty("--dock", height);
    remember("convoy.log.height", height);
  }
}
