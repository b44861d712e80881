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

const readers = new Set(); // their apply
const news = Object.assign(make("p", "sr"), { role: "status" });
document.body.append(news);
let on = remembered(stored) === "on";

function set(now) {
  on = now;
  for (const button of all("[data-action=reader]")) button.setAttribute("aria-pressed", String(on));
  for (const apply of readers) apply();
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

/** newReader reads out one terminal while it has the focus. element belongs next to it. */
export function newReader(term) {
  const element = Object.assign(make("div", "sr"), { role: "log", ariaLabel: "Output", ariaLive: "polite" });
  let from = null; // where the text begins that is not read out yet
  let known = ""; // the text of that line when it was marked
  let typed = 0; // characters since then: their echo is not read out
  let answered = 0; // of these, the ones before the last output
  let began = 0; // of the output that is not read out
  let timer = 0;

  term.onWriteParsed(wrote);
  term.onData(type);
  term.textarea.addEventListener("focus", skip);
  readers.add(apply);
  apply();

  // apply follows the setting.
  function apply() {
    term.options.screenReaderMode = on;
    term.element.querySelector(".live-region")?.setAttribute("aria-live", "off");
    skip();
  }

  /** skip leaves what is on the screen unread. */
  function skip() {
    clearTimeout(timer);
    from?.row?.dispose();
    from = on ? mark(term) : null;
    known = on ? lineNow() : "";
    typed = answered = began = timer = 0;
  }

  /** say reads out a text, if the terminal has the focus. */
  function say(text) {
    if (focused()) element.replaceChildren(Object.assign(make("p"), { textContent: text }));
  }

  /** close ends it with its terminal. */
  function close() {
    clearTimeout(timer);
    readers.delete(apply);
  }

  const focused = () => term.element.contains(document.activeElement);

  // lineNow is the cursor's line, up to the cursor; of a full-screen program, its whole row.
  function lineNow() {
    const { active } = term.buffer;
    return since(term, from)?.last ?? active.getLine(active.baseY + active.cursorY).translateToString(true);
  }

  function wrote() {
    answered = typed;
    if (!from || !focused()) return;
    began ||= performance.now();
    wait();
  }

  function type(text) {
    typed += text.length;
    if (timer) wait(); // the echo belongs to the output before it
  }

  // wait reads out what is new when the output is calm.
  function wait() {
    clearTimeout(timer);
    timer = setTimeout(read, Math.max(0, Math.min(calm, began + longest - performance.now())));
  }

  // read reads out what is new.
  function read() {
    const lines = fresh().map((line) => line.trim()).filter(Boolean);
    const waiting = typed - answered;
    skip();
    typed = waiting;
    if (lines.length > whole) say([`${lines.length} lines. The last:`, ...lines.slice(-ending)].join("\n"));
    else if (lines.length) say(lines.join("\n"));
  }

  // fresh is the new lines, without the echo of what was typed.
  function fresh() {
    const text = since(term, from);
    if (!text) return typed || lineNow() === known ? [] : [lineNow()];
    const { entered, rows, last } = text;
    const [first, ...rest] = !rows.length && last.startsWith(entered.trimEnd()) ? [last] : [entered, ...rows, last];
    const added = first.startsWith(known) ? first.slice(known.length) : first;
    return added.trimEnd().length <= typed ? rest : [added, ...rest];
  }

  return { element, skip, say, close };
}
