// Fingers and the middle mouse button on one terminal.
//
// A finger scrolls the scrollback. In programs that fill the screen, and in those that ask for the mouse, it turns the
// wheel, which xterm.js reports as the program expects. Where there is nothing to scroll, the page scrolls.

const sampled = 100; // ms before the finger leaves, over which its speed is measured
const slowdown = 325; // ms in which the speed falls to 1/e
const slowest = 0.03; // px per ms
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Fingers scrolls a terminal. screen is its container, which may scroll, too. */
export class Fingers {
  #term;
  #screen;
  #scrolls = null; // whether this gesture scrolls the terminal; null: not known yet
  #places = []; // recent places of the finger: {x, y, time}
  #rest = 0; // px that are less than a row
  #frame = 0; // of the momentum

  constructor(term, screen) {
    this.#term = term;
    this.#screen = screen;
    screen.addEventListener("touchstart", (e) => this.#begin(e), { passive: true });
    screen.addEventListener("touchmove", (e) => this.#move(e), { passive: false });
    screen.addEventListener("touchend", (e) => this.#end(e), { passive: true });
    screen.addEventListener("touchcancel", () => { this.#scrolls = false; }, { passive: true });
  }

  /** stop ends the momentum. */
  stop() {
    cancelAnimationFrame(this.#frame);
    this.#rest = 0;
  }

  #begin(e) {
    this.stop();
    this.#scrolls = e.touches.length === 1 ? null : false;
    this.#places = [place(e)];
  }

  #move(e) {
    if (this.#scrolls === false) return;
    const [last, now] = [this.#places.at(-1), place(e)];
    const up = last.y - now.y; // px; the rows follow the finger
    this.#scrolls ??= Math.abs(up) >= Math.abs(last.x - now.x) && this.#can(up);
    if (!this.#scrolls || !e.cancelable) return;
    e.preventDefault();
    this.#places = [...this.#places.filter(({ time }) => now.time - time < sampled), now];
    this.#scroll(up, now);
  }

  #end(e) {
    const [first, last] = [this.#places[0], this.#places.at(-1)];
    const speed = (first.y - last.y) / (last.time - first.time); // px per ms
    if (this.#scrolls && !calm.matches && e.timeStamp - last.time < sampled && Number.isFinite(speed)) this.#roll(speed, last);
    this.#scrolls = false;
  }

  // roll continues at a speed that decreases.
  #roll(speed, at) {
    let last = performance.now();
    const step = (now) => {
      const time = Math.max(0, now - last);
      last = now;
      this.#scroll(speed * time, at);
      speed *= Math.exp(-time / slowdown);
      if (Math.abs(speed) > slowest && this.#can(speed)) this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  // can reports whether the terminal, not the page, scrolls in this direction.
  #can(up) {
    if (!up) return false;
    const { scrollTop, scrollHeight, clientHeight } = this.#screen; // a grid that is larger than its container
    if (up < 0 ? scrollTop > 0 : scrollTop + clientHeight < scrollHeight - 1) return false;
    if (this.#turnsWheel()) return !this.#term.options.disableStdin;
    const { viewportY, baseY } = this.#term.buffer.active;
    return up < 0 ? viewportY > 0 : viewportY < baseY;
  }

  #turnsWheel() {
    return this.#term.buffer.active.type === "alternate" || !["none", "x10"].includes(this.#term.modes.mouseTrackingMode);
  }

  #scroll(up, { x, y }) {
    const grid = this.#term.element.querySelector(".xterm-screen");
    const height = grid.clientHeight / this.#term.rows;
    this.#rest += up;
    const rows = Math.trunc(this.#rest / height);
    this.#rest -= rows * height;
    if (!this.#turnsWheel()) return rows && this.#term.scrollLines(rows);
    const turn = { deltaY: Math.sign(rows), deltaMode: WheelEvent.DOM_DELTA_LINE, clientX: x, clientY: y, bubbles: true, cancelable: true };
    for (let i = Math.abs(rows); i > 0; i--) grid.dispatchEvent(new WheelEvent("wheel", turn));
  }
}

const place = ({ touches: [{ clientX, clientY }], timeStamp }) => ({ x: clientX, y: clientY, time: timeStamp });

/**
 * reportMiddle gives the middle mouse button to programs that ask for the mouse: the browser does not paste, too. With
 * Shift it pastes, and the program does not get it. It must be called before other listeners for pastes.
 */
export function reportMiddle(term, screen) {
  let reported = false; // the last press was the program's
  const listen = (type, act) => screen.addEventListener(type, act, { capture: true });
  const drop = (e) => {
    if (!reported) return;
    e.preventDefault();
    e.stopImmediatePropagation();
  };
  listen("mousedown", (e) => { reported = e.button === 1 && !e.shiftKey && term.modes.mouseTrackingMode !== "none"; });
  listen("keydown", () => { reported = false; });
  listen("auxclick", (e) => e.button === 1 && drop(e)); // xterm.js would move its text area below the pointer
  listen("paste", drop);
}
