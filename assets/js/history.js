// The part of a shell's scrollback that the page does not have: fetched when the user looks for it.

/** History belongs to one terminal. element shows what it does. ask() requests the whole history, and resolves to whether it is coming. */
export class History {
  #element;
  #term;
  #ask;
  #short = false; // the page may have less than the shell
  #asking = false;
  #refused = false; // the server does not know it

  constructor({ element, term, ask }) {
    this.#element = element;
    this.#term = term;
    this.#ask = ask;
    term.onScroll(() => {
      const { viewportY, baseY } = term.buffer.active;
      if (viewportY === 0 && baseY > 0) this.fetch();
    });
  }

  /** fetch requests the missing rows, once. */
  async fetch() {
    if (!this.#short || this.#asking || this.#refused) return;
    this.#asking = true;
    this.#element.textContent = "loading older output…";
    if (await this.#ask()) return;
    this.#refused = true;
    this.settle();
  }

  /** settle ends a request: it was answered, or will not be. */
  settle() {
    this.#asking = false;
    this.#element.textContent = "";
  }

  /**
   * reset calls draw, which restarts the terminal and calls its argument when done. If scrolled up, the user stays at
   * the same rows.
   */
  reset(draw) {
    this.#short = !this.#asking;
    const place = this.#place();
    draw(() => {
      this.settle();
      if (place) this.#term.scrollToLine(this.#find(place));
    });
  }

  // place is the scroll position; null at the end.
  #place() {
    const { active } = this.#term.buffer;
    if (active.viewportY === active.baseY) return null;
    return { above: active.baseY - active.viewportY, rows: this.#rows(active.viewportY) };
  }

  #rows(from) {
    return Array.from({ length: this.#term.rows }, (_, i) => this.#row(from + i));
  }

  #row(y) { return this.#term.buffer.active.getLine(y)?.translateToString(true) ?? ""; }

  // find is the line at which the same rows are now: at the same distance from the end, or further up, because of new
  // output.
  #find({ above, rows }) {
    const there = Math.max(0, this.#term.buffer.active.baseY - above);
    for (let y = there; y >= 0; y--) {
      if (rows.every((row, i) => row === this.#row(y + i))) return y;
    }
    return there;
  }
}
