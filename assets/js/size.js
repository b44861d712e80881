// The size of a shell's terminal in the page: the available room, and how a grid of another size, chosen by someone
// else, is shown: whole, in a smaller font if needed (docs/protocol.md, "Size").

import { find } from "./dom.js";
import { cellHeight, cellWidth } from "./terminal.js";

const minFont = 6; // px: larger grids scroll
const fontStep = 0.5; // px
const scrollbar = 14; // px, as xterm.js has it
const maxSide = 1000; // rows and columns

/**
 * newSize is that of one terminal. screen is its container, and may scroll. report(rows, cols, claim) reports the room,
 * and a claim to the shell's size.
 */
export function newSize({ term, screen, tools, report, watches }) {
  let font = term.options.fontSize; // px, from the style sheet; show may choose a smaller one
  let told = ""; // last reported room
  let sized = false; // the terminal has the shell's size
  let atEnd = false; // the last rows were in sight before a size that is not applied yet
  let mine = false; // this window owns the shell's size
  let pinned = false;
  let name = ""; // of its owner; "": none
  const label = find(".shell-size", tools.element);
  const pin = watches ? null : tools.add("Pin the size", () => claim(pinned ? "unpin" : "pin"));
  const take = watches ? null : tools.add("Fit to my window", () => claim("take"));

  // xterm.js applies a new size later while it is out of sight.
  new ResizeObserver(applied).observe(term.element.querySelector(".xterm-screen"));
  for (const type of ["keydown", "wheel", "touchstart"]) { // the user may scroll up
    term.element.addEventListener(type, () => { atEnd = false; }, { capture: true, passive: true });
  }
  if (take) take.hidden = true;

  /** fit reports the room. Attaching changes nothing; a resized window takes the size if nobody else owns it. */
  const fit = () => claim(told ? "take" : "offer");

  /** claim reports the room, and a claim: 'offer', 'take', 'pin' or 'unpin'. */
  function claim(what) {
    const now = room();
    if (!now) return;
    const { rows, cols } = now;
    if (what === "take" && told === `${rows}x${cols}` && rows === term.rows && cols === term.cols) return;
    told = `${rows}x${cols}`;
    report(rows, cols, what);
  }

  /** resize sets the shell's size. */
  function resize(rows, cols) {
    sized = true;
    if (rows !== term.rows || cols !== term.cols) atEnd ||= isAtEnd();
    term.resize(cols, rows);
    show();
  }

  // applied follows a new size of the grid. Until then xterm.js clamps its scroll position by the old size, and takes
  // the difference for a user who scrolls up. It goes to the end only if that moves its scroll position.
  function applied() {
    show();
    if (atEnd && !isAtEnd()) {
      term.scrollLines(-1);
      term.scrollToBottom();
    }
    atEnd = false;
  }

  const isAtEnd = () => term.buffer.active.viewportY === term.buffer.active.baseY;

  /** present takes the size's part of a presence event. */
  function present({ you, owner, viewers, ...rest }) {
    mine = owner === you;
    pinned = rest.pinned;
    name = viewers.find(v => v.n === owner)?.name || (owner ? `viewer ${owner}` : "");
    show();
  }

  /** look applies another font. */
  function look({ fontFamily, fontSize }) {
    font = fontSize;
    Object.assign(term.options, { fontFamily, fontSize });
    show();
  }

  // show makes the whole grid visible, or lets it scroll, to the cursor at first. The window that owns the size has
  // nothing to scale.
  function show() {
    const now = room();
    if (!now || !sized) return;
    const { rows, cols } = term;
    const fits = mine || (rows <= now.rows && cols <= now.cols);
    if (fits) term.options.fontSize = font;
    else scale();
    screen.dataset.fit = mine || (rows === now.rows && cols === now.cols) ? "" : "other";
    const tall = term.element.querySelector(".xterm-screen").offsetHeight > term.element.clientHeight;
    screen.style.overflow = !tall ? "" : mine ? "hidden auto" : "auto";
    screen.scrollTop = tall ? cursorEnd() - screen.clientHeight : 0;
    showOwner();
  }

  /** room is the number of rows and columns that fit in the style sheet's font; null while the pane is hidden. */
  function room() {
    if (!screen.clientHeight) return null;
    const { rows, cols } = roomFor(font, Math.floor); // of drawn columns, as on a graphics card
    return { rows: Math.max(1, Math.min(rows, maxSide)), cols: Math.max(2, Math.min(cols, maxSide)) };
  }

  // roomFor measures a font without setting it: the terminal would draw all again. drawn rounds the width of a column.
  function roomFor(size, drawn = (width) => width) {
    const { options: { fontFamily }, element } = term;
    const padding = getComputedStyle(element);
    const width = element.clientWidth - parseFloat(padding.paddingLeft) - scrollbar;
    const height = parseInt(getComputedStyle(element.parentElement).height, 10)
      - parseInt(padding.paddingTop, 10) - parseInt(padding.paddingBottom, 10);
    return {
      rows: Math.floor(height * devicePixelRatio / cellHeight(fontFamily, size)),
      cols: Math.floor(width * devicePixelRatio / drawn(cellWidth(fontFamily, size))),
    };
  }

  // cursorEnd is the lower edge of the cursor's row in the container, in px: what is below it is mostly blank.
  function cursorEnd() {
    const grid = term.element.querySelector(".xterm-screen");
    const { type, cursorY } = term.buffer.active;
    const row = type === "alternate" ? term.rows : cursorY + 1;
    return grid.offsetTop + Math.ceil(row * grid.offsetHeight / term.rows);
  }

  // scale chooses the largest font in which the grid fits, or the least.
  function scale() {
    const { rows, cols } = term;
    const fits = (size) => (most => rows <= most.rows && cols <= most.cols)(roomFor(size));
    let size = Math.floor(font / fontStep) * fontStep;
    while (size > minFont && !fits(size)) size -= fontStep;
    term.options.fontSize = Math.max(size, minFont);
  }

  // showOwner shows whose size it is, if it is not this window's or is pinned.
  function showOwner() {
    const { rows, cols } = term;
    const other = !mine && screen.dataset.fit === "other";
    label.hidden = !other && !pinned;
    const whose = mine ? "yours, pinned" : `${name ? `${name}’s` : "last used size"}${pinned ? ", pinned" : ""}`;
    label.textContent = `${cols} × ${rows} (${whose})`;
    label.title = `${cols} columns, ${rows} rows: ${mine ? "the size of your window" : name ? `the size of ${name}’s window` : "the last used size"}`;
    if (!pin) return;
    pin.ariaLabel = pinned ? "Unpin the size" : "Pin the size";
    pin.title = pinned ? "Unpin the size. It then follows the window of the next person who types." : "Pin the size to your window, even when others type.";
    pin.ariaPressed = String(pinned);
    take.hidden = !other;
    take.disabled = !!name;
    take.title = !name ? "" : pinned ? `${name} has pinned the size` : `The size follows ${name}’s window. To change that, type, or pin the size.`;
  }

  return { fit, claim, resize, present, look, room };
}
