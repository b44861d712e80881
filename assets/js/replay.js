// The screen of a recording: a terminal that shows what a shell showed at any event. Its replies and its input are
// discarded; links open only http and https, in a new tab.

import { text } from "./dump.js";
import { appearance, newTerminal, openIn } from "./terminal.js";

const scrollback = 1000; // rows
const batch = 64 * 1024; // characters per write
const fonts = { min: 2, max: 18 }; // px

/** Replay draws a Cast into an element. */
export class Replay {
  #host;
  #cast;
  #term;
  #next = 0; // the first event not drawn
  #target = 0; // the event to stop before
  #pending = null; // the promise of the current work

  constructor(host, cast) {
    this.#host = host;
    this.#cast = cast;
    this.#term = this.#newTerminal(cast.size);
    this.#open(this.#term);
  }

  /** busy is true while it draws. */
  get busy() { return !!this.#pending; }

  /** text is the screen, row by row. */
  get text() { return text(this.#term); }

  get size() { return { cols: this.#term.cols, rows: this.#term.rows }; }

  /** show draws everything before event number goal. A later call replaces the current one. */
  show(goal) {
    this.#target = goal;
    this.#pending ??= this.#work().finally(() => { this.#pending = null; });
    return this.#pending;
  }

  async #work() {
    while (this.#next !== this.#target) {
      if (this.#target < this.#next) await this.#rewind();
      else await this.#step(this.#term);
    }
  }

  // rewind draws another terminal up to the goal and swaps it in, so that the steps in between stay hidden.
  async #rewind() {
    const goal = this.#target;
    const { start, size } = this.#cast.keyFrame(goal);
    const [old, before] = [this.#term, this.#next];
    const term = this.#newTerminal(size);
    this.#next = start;
    while (this.#next < goal && this.#target === goal) await this.#step(term);
    if (this.#target !== goal) { // there is a new goal
      term.dispose();
      this.#next = before;
      return;
    }
    this.#term = term;
    old.dispose();
    this.#open(term);
  }

  // step draws the next events of one kind, up to one write.
  #step(term) {
    const { events } = this.#cast;
    let output = "";
    for (; this.#next < this.#target && output.length < batch; this.#next++) {
      const { code, data } = events[this.#next];
      if (code === "o") output += data;
      if (code !== "r" || !data) continue;
      if (output) break;
      term.resize(data.cols, data.rows);
      if (term === this.#term) this.fit();
    }
    return new Promise((done) => term.write(output, done));
  }

  #newTerminal({ cols, rows }) {
    const term = newTerminal(this.#host, { cols, rows, scrollback, cursorInactiveStyle: "block", disableStdin: true });
    term.attachCustomKeyEventHandler(() => false); // keys belong to the player
    return term;
  }

  #open(term) {
    this.#host.replaceChildren();
    openIn(this.#host, term);
    term.textarea.readOnly = true; // no on-screen keyboard
    term.textarea.tabIndex = -1;
    term.textarea.setAttribute("aria-label", "Screen of the recording");
    this.fit();
  }

  /** fit makes the font as large as the space allows: the grid is the recording's. */
  fit() {
    const screen = this.#term.element.querySelector(".xterm-screen");
    const room = { width: this.#host.clientWidth, height: parseFloat(getComputedStyle(this.#host).maxHeight) };
    const fits = () => screen.offsetWidth <= room.width && screen.offsetHeight <= room.height;
    const now = this.#term.options.fontSize;
    let want = now * Math.min(room.width / screen.offsetWidth, room.height / screen.offsetHeight);
    want = Math.min(Math.max(Math.floor(want * 4) / 4, fonts.min), fonts.max);
    this.#term.options.fontSize = want;
    for (; want > fonts.min && !fits(); want -= 0.25) this.#term.options.fontSize = want;
  }

  /** refreshTheme applies the style sheet's colours. */
  refreshTheme() { this.#term.options.theme = appearance(this.#host).theme; }
}
