// Logs: a view of one log, and the dock with the log of all nodes.

import { remember, remembered } from "./dom.js";

const maxLines = 2000; // in the page
const near = 24; // px from the end that count as the end

// LogView shows log lines, <li> elements from the server. It keeps the last 2,000, ordered by time, and follows the end
// until the user scrolls up. element contains the parts by their data-log-… attributes.
export class LogView {
  #lines;
  #count;
  #blank;
  #jump;
  #pause;
  #waiting = []; // HTML not in the page yet
  #frame = 0;
  #following = true;
  #paused = false;
  #unseen = 0;
  #words = [];
  #shown = 0;

  constructor(element, { least = "info" } = {}) {
    const part = (name) => element.querySelector(`[data-log-${name}]`);
    this.#lines = part("lines");
    this.#count = part("count");
    this.#blank = part("blank");
    this.#jump = part("jump");
    this.#pause = part("pause");
    this.#lines.dataset.least = part("level").value = least;
    part("level").addEventListener("change", (event) => this.#setLevel(event.target.value));
    part("text").addEventListener("input", (event) => this.#setText(event.target.value));
    part("clear").addEventListener("click", () => this.#clear());
    this.#pause.addEventListener("click", () => this.#setPaused(!this.#paused));
    this.#jump.addEventListener("click", () => this.#toEnd());
    this.#lines.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#following && this.#scrollDown()).observe(this.#lines);
  }

  // append adds lines in the next frame.
  append(html) {
    this.#waiting.push(html);
    if (this.#waiting.length > maxLines) this.#waiting.splice(0, this.#waiting.length - maxLines);
    if (!this.#paused) this.#schedule();
  }

  #schedule() {
    // a timer too: hidden tabs draw no frames, and must not accumulate lines
    this.#frame ||= setTimeout(() => this.#draw(), document.hidden ? 500 : 50);
  }

  #draw() {
    this.#frame = 0;
    const holder = document.createElement("template");
    holder.innerHTML = this.#waiting.splice(0).join("");
    const fresh = [...holder.content.querySelectorAll("li")].slice(-maxLines);
    for (const line of fresh) this.#prepare(line);
    this.#insert(fresh);
    while (this.#lines.childElementCount > maxLines) this.#lines.firstElementChild.remove();
    this.#recount();
    if (this.#following) this.#scrollDown();
    else this.#announce(fresh.filter((line) => this.#visible(line)).length);
  }

  #prepare(line) {
    const time = line.querySelector("time");
    time.textContent = localTime(time.dateTime);
    line.hidden = !this.#matches(line);
  }

  // insert orders lines by time, although each node's arrive separately.
  #insert(fresh) {
    const last = this.#lines.lastElementChild?.dataset.at ?? "";
    const ordered = fresh.every((line, i) => line.dataset.at >= (i ? fresh[i - 1].dataset.at : last));
    if (ordered) return this.#lines.append(...fresh);
    const all = [...this.#lines.children, ...fresh];
    all.sort((a, b) => (a.dataset.at < b.dataset.at ? -1 : a.dataset.at > b.dataset.at ? 1 : 0));
    this.#lines.replaceChildren(...all);
  }

  #matches(line) {
    if (!this.#words.length) return true;
    const text = line.textContent.toLowerCase();
    return this.#words.every((word) => text.includes(word));
  }

  #visible(line) {
    const rank = { debug: 0, info: 1, warn: 2, error: 3 };
    return !line.hidden && (rank[line.dataset.level] ?? 1) >= rank[this.#lines.dataset.least];
  }

  #setLevel(level) {
    this.#lines.dataset.least = level;
    this.#filtered();
  }

  #setText(text) {
    this.#words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const line of this.#lines.children) line.hidden = !this.#matches(line);
    this.#filtered();
  }

  #filtered() {
    this.#recount();
    if (this.#following) this.#scrollDown();
  }

  #recount() {
    const all = this.#lines.childElementCount;
    this.#shown = 0;
    for (const line of this.#lines.children) if (this.#visible(line)) this.#shown++;
    this.#count.textContent = this.#shown === all ? `${all} lines` : `${this.#shown} of ${all} lines`;
    this.#lines.toggleAttribute("data-none", this.#shown === 0);
    this.#blank.textContent = all ? "No matching lines." : "No lines yet.";
  }

  #clear() {
    this.#waiting.length = 0;
    this.#lines.replaceChildren();
    this.#recount();
    this.#toEnd();
  }

  #setPaused(paused) {
    this.#paused = paused;
    this.#pause.setAttribute("aria-pressed", String(paused));
    this.#pause.querySelector("span").textContent = paused ? "Resume" : "Pause";
    if (!paused) this.#schedule();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#lines;
    this.#following = scrollHeight - scrollTop - clientHeight <= near;
    if (this.#following) this.#unseen = 0;
    this.#announce(0);
  }

  #announce(more) {
    this.#unseen += more;
    this.#jump.hidden = this.#following;
    this.#jump.querySelector("span").textContent = this.#unseen ? `${this.#unseen} new` : "Latest";
  }

  #toEnd() {
    this.#following = true;
    this.#unseen = 0;
    this.#scrollDown();
    this.#announce(0);
  }

  #scrollDown() {
    this.#lines.scrollTop = this.#lines.scrollHeight;
  }
}

function localTime(rfc3339) {
  const at = new Date(rfc3339);
  if (Number.isNaN(at.valueOf())) return "";
  const two = (n) => String(n).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

// Dock is the log of all nodes at the bottom of the page: its visibility and height are remembered in this browser.
export class Dock {
  #aside;
  #toggles;
  #grip;

  constructor(aside, toggle) {
    this.#aside = aside;
    this.#toggles = toggle;
    this.#grip = aside.querySelector(".grip");
    this.view = new LogView(aside.querySelector("[data-log]"));
    this.#resize(Number(remembered("convoy.log.height")) || 32);
    this.#show(remembered("convoy.log") === "open");
    this.#grip.addEventListener("pointerdown", (event) => this.#drag(event));
    this.#grip.addEventListener("keydown", (event) => this.#key(event));
  }

  toggle() {
    const open = this.#aside.hidden;
    this.#show(open);
    remember("convoy.log", open ? "open" : "closed");
    if (open) this.#aside.querySelector("[data-log-lines]").focus({ preventScroll: true });
    else this.#toggles.focus();
  }

  #show(open) {
    this.#aside.hidden = !open;
    this.#toggles.setAttribute("aria-expanded", String(open));
  }

  #drag(event) {
    event.preventDefault();
    this.#grip.setPointerCapture(event.pointerId);
    const end = new AbortController();
    const move = ({ clientY }) => this.#resize(((innerHeight - clientY) / innerHeight) * 100);
    this.#grip.addEventListener("pointermove", move, { signal: end.signal });
    this.#grip.addEventListener("lostpointercapture", () => end.abort(), { signal: end.signal });
  }

  #key(event) {
    const step = { ArrowUp: 4, ArrowDown: -4 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.#resize(Number(this.#grip.getAttribute("aria-valuenow")) + step);
  }

  // resize takes percent of the window.
  #resize(height) {
    const now = Math.round(Math.min(80, Math.max(10, height)));
    this.#aside.style.setProperty("--dock", `${now}dvh`);
    this.#grip.setAttribute("aria-valuenow", String(now));
    remember("convoy.log.height", String(now));
  }
}
