// The size of a shell's terminal in the page: the available room, and how a grid of another size, chosen by someone
// else, is shown: whole, in a smaller font if needed (docs/protocol.md, "Size").

import { find } from "./dom.js";
import { cellHeight, cellWidth } from "./terminal.js";

const minFont = 6; // px: larger grids scroll
const fontStep = 0.5; // px
const scrollbar = 14; // px, as xterm.js has it
const maxSide = 1000; // rows and columns

/**
 * Size belongs to one terminal. screen is its container, and may scroll. report(rows, cols, claim) reports the room,
 * and a claim to the shell's size.
 */
export class Size {
  #term;
  #screen;
  #report;
  #font; // px, from the style sheet
  #reported = ""; // last reported room
  #sized = false; // the terminal has the shell's size
  #atEnd = false; // the last rows were in sight before a size that is not applied yet
  #mine = false; // this window owns the shell's size
  #pinned = false;
  #name = ""; // its owner; "": none
  #label;
  #pin = null; // buttons; view-only panes have none
  #take = null;

  constructor({ term, screen, tools, report, watches }) {
    this.#term = term;
    this.#screen = screen;
    this.#report = report;
    this.#font = term.options.fontSize;
    // xterm.js applies a new size later while it is out of sight.
    new ResizeObserver(() => this.#applied()).observe(term.element.querySelector(".xterm-screen"));
    for (const type of ["keydown", "wheel", "touchstart"]) { // the user may scroll up
      term.element.addEventListener(type, () => { this.#atEnd = false; }, { capture: true, passive: true });
    }
    this.#label = find(".shell-size", tools.element);
    if (watches) return;
    this.#pin = tools.add("Pin the size", () => this.claim(this.#pinned ? "unpin" : "pin"));
    this.#take = tools.add("Fit to my window", () => this.claim("take"));
    this.#take.hidden = true;
  }

  /** fit reports the room. Attaching changes nothing; a resized window takes the size if nobody else owns it. */
  fit() { this.claim(this.#reported ? "take" : "offer"); }

  /** claim reports the room, and a claim: 'offer', 'take', 'pin' or 'unpin'. */
  claim(claim) {
    const room = this.room;
    if (!room) return;
    const report = `${room.rows}x${room.cols}`;
    const fits = room.rows === this.#term.rows && room.cols === this.#term.cols;
    if (claim === "take" && report === this.#reported && fits) return;
    this.#reported = report;
    this.#report(room.rows, room.cols, claim);
  }

  /** resize sets the shell's size. */
  resize(rows, cols) {
    this.#sized = true;
    if (rows !== this.#term.rows || cols !== this.#term.cols) this.#atEnd ||= this.#shown === this.#end;
    this.#term.resize(cols, rows);
    this.show();
  }

  // applied follows a new size of the grid. Until then xterm.js clamps its scroll position by the old size, and takes
  // the difference for a user who scrolls up. It goes to the end only if that moves its scroll position.
  #applied() {
    this.show();
    if (this.#atEnd && this.#shown !== this.#end) {
      this.#term.scrollLines(-1);
      this.#term.scrollToBottom();
    }
    this.#atEnd = false;
  }

  get #shown() { return this.#term.buffer.active.viewportY; }

  get #end() { return this.#term.buffer.active.baseY; }

  /** present takes the size's part of a presence event. */
  present({ you, owner, pinned, viewers }) {
    this.#mine = owner === you;
    this.#pinned = pinned;
    this.#name = viewers.find(v => v.n === owner)?.name || (owner ? `viewer ${owner}` : "");
    this.show();
  }

  /** look applies another font. */
  look({ fontFamily, fontSize }) {
    this.#font = fontSize; // show may choose a smaller one
    Object.assign(this.#term.options, { fontFamily, fontSize });
    this.show();
  }

  /**
   * show makes the whole grid visible, or lets it scroll, to the cursor at first. The window that owns the size has nothing to
   * scale.
   */
  show() {
    const room = this.room;
    if (!room || !this.#sized) return;
    const { rows, cols } = this.#term;
    const fits = this.#mine || (rows <= room.rows && cols <= room.cols);
    if (fits) this.#term.options.fontSize = this.#font;
    else this.#scale();
    this.#screen.dataset.fit = this.#mine || (rows === room.rows && cols === room.cols) ? "" : "other";
    const tall = this.#term.element.querySelector(".xterm-screen").offsetHeight > this.#term.element.clientHeight;
    this.#screen.style.overflow = !tall ? "" : this.#mine ? "hidden auto" : "auto";
    this.#screen.scrollTop = tall ? this.#cursorEnd - this.#screen.clientHeight : 0;
    this.#show();
  }

  /** room is the number of rows and columns that fit in the style sheet's font; null while the pane is hidden. */
  get room() {
    if (!this.#screen.clientHeight) return null;
    const { rows, cols } = this.#roomFor(this.#font, Math.floor); // of drawn columns, as on a graphics card
    return { rows: Math.max(1, Math.min(rows, maxSide)), cols: Math.max(2, Math.min(cols, maxSide)) };
  }

  // roomFor measures a font without setting it: the terminal would draw all again. drawn rounds the width of a column.
  #roomFor(font, drawn = (width) => width) {
    const { options: { fontFamily }, element } = this.#term;
    const padding = getComputedStyle(element);
    const width = element.clientWidth - parseFloat(padding.paddingLeft) - scrollbar;
    const height = parseInt(getComputedStyle(element.parentElement).height, 10)
      - parseInt(padding.paddingTop, 10) - parseInt(padding.paddingBottom, 10);
    return {
      rows: Math.floor(height * devicePixelRatio / cellHeight(fontFamily, font)),
      cols: Math.floor(width * devicePixelRatio / drawn(cellWidth(fontFamily, font))),
    };
  }

  // cursorEnd is the lower edge of the cursor's row in the container, in px: what is below it is mostly blank.
  get #cursorEnd() {
    const grid = this.#term.element.querySelector(".xterm-screen");
    const { type, cursorY } = this.#term.buffer.active;
    const row = type === "alternate" ? this.#term.rows : cursorY + 1;
    return grid.offsetTop + Math.ceil(row * grid.offsetHeight / this.#term.rows);
  }

  // scale chooses the largest font in which the grid fits, or the least.
  #scale() {
    const { rows, cols } = this.#term;
    const fits = (font) => (room => rows <= room.rows && cols <= room.cols)(this.#roomFor(font));
    let font = Math.floor(this.#font / fontStep) * fontStep;
    while (font > minFont && !fits(font)) font -= fontStep;
    this.#term.options.fontSize = Math.max(font, minFont);
  }

  // show shows whose size it is, if it is not this window's or is pinned.
  #show() {
    const { rows, cols } = this.#term;
    const name = this.#name;
    const other = !this.#mine && this.#screen.dataset.fit === "other";
    this.#label.hidden = !other && !this.#pinned;
    const whose = this.#mine ? "yours, pinned" : `${name ? `${name}’s` : "last used size"}${this.#pinned ? ", pinned" : ""}`;
    this.#label.textContent = `${cols} × ${rows} (${whose})`;
    this.#label.title = `${cols} columns, ${rows} rows: ${this.#mine ? "the size of your window" : name ? `the size of ${name}’s window` : "the last used size"}`;
    if (!this.#pin) return;
    this.#pin.ariaLabel = this.#pinned ? "Unpin the size" : "Pin the size";
    this.#pin.title = this.#pinned ? "Unpin the size. It then follows the window of the next person who types." : "Pin the size to your window, even when others type.";
    this.#pin.ariaPressed = String(this.#pinned);
    this.#take.hidden = !other;
    this.#take.disabled = !!name;
    this.#take.title = !name ? "" : this.#pinned ? `${name} has pinned the size` : `The size follows ${name}’s window. To change that, type, or pin the size.`;
  }
}
