// Screen readers: a setting of this browser. While it is on, the rows of a terminal are text that screen readers can
// move through (xterm.js' screenReaderMode), and the shell in focus reads out its new lines. xterm.js' own live region
// reads out each character of each shell, so it is silenced; this one waits until the output is calm, and reads out
// only the end of a long one.

import { all, remember, remembered } from "./dom.js";
import { mark, since } from "./dump.js";
import { make } from "./terminal.js";

const stored = "convoy.reader";
const calm = 300; // ms without output before it is read out
const longest = 5000; // ms that output may last before its end so far is read out
const whole = 10; // lines that are read out whole
const ending = 3; // lines of a longer output that are read out

const readers = new Set();
const news = Object.assign(make("p", "sr"), { role: "status" });
document.body.append(news);
let on = remembered(stored) === "on";

function set(now) {
  on = now;
  for (const button of all("[data-action=reader]")) button.setAttribute("aria-pressed", String(on));
  for (const reader of readers) reader.apply();
}

function toggle() {
  remember(stored, on ? "off" : "on");
  set(!on);
  news.textContent = `Screen reader support is ${on ? "on. The shell in focus reads out its output." : "off."}`;
}

set(on);
addEventListener("storage", ({ key, newValue }) => key === stored && set(newValue === "on"));
document.addEventListener("click", ({ target }) => target.closest("[data-action=reader]") && toggle());
document.addEventListener("keydown", (event) => {
  if (event.key !== "F1" || !event.altKey || !event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation(); // a terminal would send it
  toggle();
}, { capture: true });

/** Reader reads out one terminal while it has the focus. element belongs next to it. */
export class Reader {
  element = Object.assign(make("div", "sr"), { role: "log", ariaLabel: "Output", ariaLive: "polite" });
  #term;
  #mark = null; // where the text begins that is not read out yet
  #known = ""; // the text of that line when it was marked
  #typed = 0; // characters since then: their echo is not read out
  #began = 0; // of the output that is not read out
  #timer = 0;

  constructor(term) {
    this.#term = term;
    term.onWriteParsed(() => this.#wrote());
    term.onData((text) => { this.#typed += text.length; });
    term.textarea.addEventListener("focus", () => this.skip());
    readers.add(this);
    this.apply();
  }

  /** apply follows the setting. */
  apply() {
    this.#term.options.screenReaderMode = on;
    this.#term.element.querySelector(".live-region")?.setAttribute("aria-live", "off");
    this.skip();
  }

  /** skip leaves what is on the screen unread. */
  skip() {
    clearTimeout(this.#timer);
    this.#mark?.row?.dispose();
    this.#mark = on ? mark(this.#term) : null;
    this.#known = on ? this.#line() : "";
    this.#typed = this.#began = 0;
  }

  /** say reads out a text, if the terminal has the focus. */
  say(text) {
    if (this.#focused) this.element.replaceChildren(Object.assign(make("p"), { textContent: text }));
  }

  /** close ends it with its terminal. */
  close() {
    clearTimeout(this.#timer);
    readers.delete(this);
  }

  get #focused() { return this.#term.element.contains(document.activeElement); }

  // line is the cursor's line, up to the cursor; of a full-screen program, its whole row.
  #line() {
    const { active } = this.#term.buffer;
    return since(this.#term, this.#mark)?.last ?? active.getLine(active.baseY + active.cursorY).translateToString(true);
  }

  #wrote() {
    if (!this.#mark || !this.#focused) return;
    const now = performance.now();
    this.#began ||= now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#read(), Math.max(0, Math.min(calm, this.#began + longest - now)));
  }

  // read reads out what is new.
  #read() {
    const lines = this.#fresh().map((line) => line.trim()).filter(Boolean);
    this.skip();
    if (lines.length > whole) this.say([`${lines.length} lines. The last:`, ...lines.slice(-ending)].join("\n"));
    else if (lines.length) this.say(lines.join("\n"));
  }

  // fresh is the new lines, without the echo of what was typed.
  #fresh() {
    const text = since(this.#term, this.#mark);
    if (!text) return this.#typed || this.#line() === this.#known ? [] : [this.#line()];
    const { entered, rows, last } = text;
    const [first, ...rest] = !rows.length && last.startsWith(entered.trimEnd()) ? [last] : [entered, ...rows, last];
    const added = first.startsWith(this.#known) ? first.slice(this.#known.length) : first;
    return added.trimEnd().length <= this.#typed ? rest : [added, ...rest];
  }
}
