// The size of a shell's terminal in the page: how much room there is, and how a grid of another size, which is somebody
// else's choice, is shown in it: whole, in a smaller font if need be (docs/protocol.md, "Size").

import { FitAddon } from "../vendor/xterm-addon-fit/addon-fit.mjs";
import { make } from "./terminal.js";
import { icon } from "./tools.js";

const least = 6; // px: a grid that is still too large in this font scrolls
const step = 0.5; // px
const most = 1000; // rows and columns

/**
 * Size belongs to one terminal. screen is the element that it is shown in, and may scroll. tell(rows, cols, claim) sends
 * how much room there is, and what is claimed of the shell's size.
 */
export class Size {
  #term;
  #screen;
  #tell;
  #fitter = new FitAddon();
  #font; // px, as the style sheet has it
  #told = ""; // how much room the shell was told that there is
  #known = false; // the terminal has the shell's size
  #mine = false; // the shell's size is this window's
  #pinned = false;
  #name = ""; // whose it is; "": nobody's
  #says = make("span", "shell-size");
  #pin = null; // buttons; those who only watch have none
  #take = null;

  constructor({ term, screen, tools, tell, watches }) {
    this.#term = term;
    this.#screen = screen;
    this.#tell = tell;
    this.#font = term.options.fontSize;
    term.loadAddon(this.#fitter);
    this.#says.hidden = true;
    tools.left.append(this.#says);
    if (watches) return;
    this.#pin = tools.add("pin", "Pin the size", () => this.claim(this.#pinned ? "unpin" : "pin"));
    this.#take = tools.add("maximize-2", "Fit to my window", () => this.claim("take"), { more: true });
    this.#take.hidden = true;
  }

  /** fit tells how much room there is. Joining changes nothing; another window takes the size if nobody else has it. */
  fit() { this.claim(this.#told ? "take" : "offer"); }

  /** claim tells how much room there is, and what this page wants of the size: 'offer', 'take', 'pin' or 'unpin'. */
  claim(claim) {
    const room = this.#room();
    if (!room) return;
    const tells = `${room.rows}x${room.cols}`;
    const fits = room.rows === this.#term.rows && room.cols === this.#term.cols;
    if (claim === "take" && tells === this.#told && fits) return;
    this.#told = tells;
    this.#tell(room.rows, room.cols, claim);
  }

  /** resize gives the terminal the shell's size. */
  resize(rows, cols) {
    this.#known = true;
    this.#term.resize(cols, rows);
    this.show();
  }

  /** present takes what a presence event says of the size. */
  present({ you, owner, pinned, viewers }) {
    this.#mine = owner === you;
    this.#pinned = pinned;
    this.#name = viewers.find(v => v.n === owner)?.name || (owner ? `viewer ${owner}` : "");
    this.show();
  }

  /** look takes another font. */
  look({ fontFamily, fontSize }) {
    this.#font = fontSize; // show may take a smaller one
    Object.assign(this.#term.options, { fontFamily, fontSize });
    this.show();
  }

  /** show makes the whole grid visible, or lets it scroll to its end. The window that the size is of has nothing to scale. */
  show() {
    const room = this.#room();
    if (!room || !this.#known) return;
    const { rows, cols } = this.#term;
    const fits = this.#mine || (rows <= room.rows && cols <= room.cols);
    if (fits) this.#term.options.fontSize = this.#font;
    else this.#scale(Math.min(room.rows / rows, room.cols / cols));
    this.#screen.dataset.fit = this.#mine || (rows === room.rows && cols === room.cols) ? "" : "other";
    const tall = this.#term.element.querySelector(".xterm-screen").offsetHeight > this.#term.element.clientHeight;
    this.#screen.style.overflowY = tall ? "auto" : "";
    this.#screen.scrollTop = tall ? this.#screen.scrollHeight : 0;
    this.#say();
  }

  // room is how many rows and columns there is room for in the style sheet's font. Nothing while the pane is not shown.
  #room() {
    if (!this.#screen.clientHeight) return null;
    const font = this.#term.options.fontSize;
    this.#term.options.fontSize = this.#font;
    const room = this.#fitter.proposeDimensions();
    this.#term.options.fontSize = font;
    return room && { rows: Math.min(room.rows, most), cols: Math.min(room.cols, most) };
  }

  // scale takes the largest font in which the grid fits, or the least. ratio is a first guess, on the small side.
  #scale(ratio) {
    const { rows, cols } = this.#term;
    for (let font = Math.min(this.#font, Math.ceil(this.#font * ratio / step) * step + 2 * step); font >= least; font -= step) {
      this.#term.options.fontSize = font;
      const room = this.#fitter.proposeDimensions();
      if (rows <= room.rows && cols <= room.cols) return;
    }
    this.#term.options.fontSize = least;
  }

  // say says whose size it is if it is not this window's, or stays.
  #say() {
    const { rows, cols } = this.#term;
    const name = this.#name;
    const other = !this.#mine && this.#screen.dataset.fit === "other";
    this.#says.hidden = !other && !this.#pinned;
    const whose = this.#mine ? "yours, pinned" : `${name ? `${name}’s` : "last used size"}${this.#pinned ? ", pinned" : ""}`;
    this.#says.textContent = `${cols} × ${rows} (${whose})`;
    this.#says.title = `${cols} columns, ${rows} rows: ${this.#mine ? "the size of your window" : name ? `the size of ${name}’s window` : "the last used size"}`;
    if (!this.#pin) return;
    const label = this.#pinned ? "Unpin the size" : "Pin the size";
    if (this.#pin.ariaLabel !== label) this.#pin.replaceChildren(icon(this.#pinned ? "pin-off" : "pin"));
    this.#pin.ariaLabel = label;
    this.#pin.title = this.#pinned ? "Unpin the size. It then follows the window of the next person who types." : "Pin the size to your window, even when others type.";
    this.#pin.ariaPressed = String(this.#pinned);
    this.#take.hidden = !other;
    this.#take.disabled = !!name;
    this.#take.title = !name ? "" : this.#pinned ? `${name} has pinned the size` : `The size follows ${name}’s window. To change that, type, or pin the size.`;
  }
}
