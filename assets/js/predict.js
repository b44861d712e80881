// Predicted echo: over a slow link, typed letters are drawn before their echo arrives
// (docs/decisions/0062-predicted-echo.md). They are drawn on an element above the terminal, never into its buffer.
//
// A line begins with a letter at the end of a row, if everything before it was answered, and if output since the last
// other key left the cursor behind something: a prompt. From there, each letter, Backspace, Left, and Right leads to a
// state that the row will have. Nothing is drawn until the line is proved: the row shows a typed letter, and the node
// reports that the program itself echoes. A password's letters are not echoed, so no such line is proved. Any other key
// or output ends the line.

import { remembered } from "./dom.js";
import { make } from "./terminal.js";

const stored = "convoy-echo"; // off, auto or on
const slow = 60; // ms of a round trip, above which letters are predicted
const grace = 100; // ms from the answer to a key until its echo is overdue
const word = 32; // bytes that are typed at once at most
const clear = 8; // blank cells after the cursor at the end of a row: a prompt may have more at the edge

// Letters that are one cell wide. Programs that mask a password may draw some, such as * and x: these prove nothing.
const plain = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u0384-\u0482\u048a-\u052f]$/;
const proof = /^[a-np-wyz1-9]$/i;
const keys = /\x1b[[O][CD]|./gsu;
const edits = /^(\x7f|\x1b[[O][CD])$/;

/** newPredict is that of one terminal. latency is that of its shell. */
export function newPredict(term, latency) {
  const view = make("div", "shell-predicted");
  let ahead = false; // typed ahead: until another key, nothing is known about what reads the letters
  let heard = false; // there was output since that key
  let has = 0; // bytes of input that the shell has
  let line = null; // {row, x, before: text left of column x, states, proof: end of the first letter that the row showed, doubt}
  let drawn = ""; // what view shows, and where
  let size = {}; // of the terminal in px, known without a layout

  view.ariaHidden = "true";
  term.element.querySelector(".xterm-screen").append(view);
  new ResizeObserver(([{ contentRect }]) => {
    size = contentRect;
    draw();
  }).observe(view.parentElement);
  term.onWriteParsed(look);
  term.onResize(lose);
  term.onScroll(lose);
  term.buffer.onBufferChange(stop);

  /** sent takes bytes of input, of which the last one is number end. */
  function sent(bytes, end) {
    const typed = bytes.length > word ? [] : new TextDecoder().decode(bytes).match(keys);
    if (typed.length && typed.every((key) => add(key, end - bytes.length, end))) draw();
    else stop();
  }

  /** written takes an answer: the shell has the input up to end; echo is who echoes keys. */
  function written(end, echo) {
    has = Math.max(has, end);
    if (!line) return;
    if (echo !== "program") return lose();
    setTimeout(() => overdue(end), grace);
    draw();
  }

  /** stop ends the line: anything may follow. */
  function stop() {
    line = null;
    ahead = heard = false;
    draw();
  }

  // add adds a key to the line, or begins one. It returns false for a key after which anything may follow.
  function add(key, start, end) {
    if (!line && plain.test(key)) ahead ||= !begin(start);
    if (ahead) return plain.test(key) || edits.test(key);
    const state = line && after(key);
    if (state) line.states.push({ ...state, end });
    return !!state;
  }

  // begin begins a line at the cursor, and reports whether that is possible.
  function begin(start) {
    const { active } = term.buffer;
    const { cursorX: x } = active;
    const row = active.baseY + active.cursorY;
    if (active.type === "alternate" || !x || !heard || has !== start) return false;
    if (textOf(row, x, x + clear).trim()) return false;
    line = { row, x, before: textOf(row, 0, x), states: [{ text: "", at: 0, end: start }], proof: 0 };
    return true;
  }

  // after is the state after a key; undefined if that is not known.
  function after(key) {
    const { x, states } = line;
    const { text, at } = states.at(-1);
    const atEnd = at === text.length;
    if (plain.test(key)) {
      const fits = atEnd && x + at < term.cols - 1;
      return fits ? { text: text + key, at: at + 1, proves: proof.test(key) } : undefined;
    }
    if (key === "\x7f") return atEnd && at ? { text: text.slice(0, -1), at: at - 1 } : undefined;
    if (key.endsWith("D")) return at ? { text, at: at - 1 } : undefined;
    if (key.endsWith("C")) return atEnd ? undefined : { text, at: at + 1 };
  }

  // look compares the row with the states that it may have by now.
  function look() {
    heard = true;
    if (!line) return;
    const n = line.states.findIndex(shows);
    if (n < 0) lose();
    else confirm(n);
  }

  // overdue hides the line if the echo of the input up to end is missing, until it comes.
  function overdue(end) {
    if (!line) return;
    const { states } = line;
    const due = states.findLastIndex((state) => state.end <= end);
    if (due <= 0) return;
    const n = states.findLastIndex(shows);
    if (n >= due) return confirm(n);
    line.doubt = true;
    draw();
  }

  function shows({ text, at }) {
    const { row, x, before } = line;
    const { active } = term.buffer;
    return active.baseY + active.cursorY === row && active.cursorX === x + at
      && textOf(row, 0, x + text.length) === before + text;
  }

  // confirm drops the states before number n: the row has that one.
  function confirm(n) {
    if (n) line.doubt = false;
    const { text } = line.states[n]; // without letters that Backspace has deleted, which may never have been there
    line.proof ||= line.states.slice(1, n + 1).find((state) => state.proves && text.startsWith(state.text))?.end ?? 0;
    line.states.splice(0, n);
    draw();
  }

  // lose ends the line because of output. Letters without an echo may be for another program.
  function lose() {
    if (!line) return;
    ahead = line.states.length > 1;
    line = null;
    draw();
  }

  const textOf = (row, from, to) => term.buffer.active.getLine(row)?.translateToString(false, from, to) ?? "";

  // differs reports whether the line is proved, and its last state is to be drawn.
  function differs() {
    const { proof, doubt, states } = line ?? {};
    if (!proof || doubt || has < proof) return false;
    const [now, then] = [states[0], states.at(-1)];
    if (now.at === then.at && now.text === then.text) return false;
    const choice = remembered(stored);
    return choice === "on" || choice !== "off" && latency.trip() > slow;
  }

  // draw draws how the last state differs from the row. It reads nothing for which the browser lays out the page.
  function draw() {
    const was = drawn;
    drawn = "";
    if (!size.width || !differs()) {
      if (was) view.replaceChildren();
      return;
    }
    const { row, x, states } = line;
    const [now, then] = [states[0], states.at(-1)];
    let same = 0;
    while (same < then.text.length && now.text[same] === then.text[same]) same++;
    const from = Math.min(same, now.at, then.at);
    const to = Math.max(now.text.length, then.text.length, now.at + 1, then.at + 1);
    const y = row - term.buffer.active.viewportY;
    const { fontFamily, fontSize } = term.options;
    drawn = [x + from, y, same, from, to, then.at, size.width, size.height, fontFamily, fontSize, then.text].join();
    if (drawn === was) return;
    placeView(x + from, y);
    view.replaceChildren(...Array.from({ length: to - from }, (_, i) => {
      const at = from + i;
      const cell = make("i", at === then.at ? "cursor" : at >= same && at < then.text.length ? "new" : "");
      cell.textContent = then.text[at] ?? " ";
      return cell;
    }));
  }

  function placeView(x, y) {
    const { cols, rows, options: { fontFamily, fontSize } } = term;
    const height = `${size.height / rows}px`;
    Object.assign(view.style, {
      fontFamily, fontSize: `${fontSize}px`, lineHeight: height, gridAutoColumns: `${size.width / cols}px`,
      left: `${100 * x / cols}%`, top: `${100 * y / rows}%`, height,
    });
  }

  return { sent, written, stop };
}
