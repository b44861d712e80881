// Fingers and the middle mouse button on one terminal.
//
// A finger scrolls the scrollback. In programs that fill the screen, and in those that ask for the mouse, it turns the
// wheel, which xterm.js reports as the program expects. Where there is nothing to scroll, the page scrolls.

const sampled = 100; // ms before the finger leaves, over which its speed is measured
const slowdown = 325; // ms in which the speed falls to 1/e
const slowest = 0.03; // px per ms
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** newFingers scrolls a terminal. screen is its container, which may scroll, too. */
export function newFingers(term, screen) {
  let scrolls = null; // whether this gesture scrolls the terminal; null: not known yet
  let places = []; // recent places of the finger: {x, y, time}
  let rest = 0; // px that are less than a row
  let frame = 0; // of the momentum

  screen.addEventListener("touchstart", touch, { passive: true });
  screen.addEventListener("touchmove", drag, { passive: false });
  screen.addEventListener("touchend", lift, { passive: true });
  screen.addEventListener("touchcancel", () => { scrolls = false; }, { passive: true });

  /** stop ends the momentum. */
  function stop() {
    cancelAnimationFrame(frame);
    rest = 0;
  }

  function touch(e) {
    stop();
    scrolls = e.touches.length === 1 ? null : false;
    places = [place(e)];
  }

  function drag(e) {
    if (scrolls === false) return;
    const [last, now] = [places.at(-1), place(e)];
    const up = last.y - now.y; // px; the rows follow the finger
    scrolls ??= Math.abs(up) >= Math.abs(last.x - now.x) && can(up);
    if (!scrolls || !e.cancelable) return;
    e.preventDefault();
    places = [...places.filter(({ time }) => now.time - time < sampled), now];
    scrollBy(up, now);
  }

  function lift(e) {
    const [first, last] = [places[0], places.at(-1)];
    const speed = (first.y - last.y) / (last.time - first.time); // px per ms
    if (scrolls && !calm.matches && e.timeStamp - last.time < sampled && Number.isFinite(speed)) roll(speed, last);
    scrolls = false;
  }

  // roll continues at a speed that decreases.
  function roll(speed, at) {
    let last = performance.now();
    const step = (now) => {
      const time = Math.max(0, now - last);
      last = now;
      const left = Math.exp(-time / slowdown);
      scrollBy(speed * slowdown * (1 - left), at);
      speed *= left;
      if (Math.abs(speed) > slowest && can(speed)) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  }

  // can reports whether the terminal, not the page, scrolls in this direction.
  function can(up) {
    if (!up) return false;
    const { scrollTop, scrollHeight, clientHeight } = screen; // a grid that is larger than its container
    if (up < 0 ? scrollTop > 0 : scrollTop + clientHeight < scrollHeight - 1) return false;
    if (turnsWheel()) return !term.options.disableStdin;
    const { viewportY, baseY } = term.buffer.active;
    return up < 0 ? viewportY > 0 : viewportY < baseY;
  }

  function turnsWheel() {
    return term.buffer.active.type === "alternate" || !["none", "x10"].includes(term.modes.mouseTrackingMode);
  }

  function scrollBy(up, { x, y }) {
    const grid = term.element.querySelector(".xterm-screen");
    const height = grid.clientHeight / term.rows;
    rest += up;
    const rows = Math.trunc(rest / height);
    rest -= rows * height;
    if (!turnsWheel()) return rows && term.scrollLines(rows);
    const turn = { deltaY: Math.sign(rows), deltaMode: WheelEvent.DOM_DELTA_LINE, clientX: x, clientY: y, bubbles: true, cancelable: true };
    for (let i = Math.abs(rows); i > 0; i--) grid.dispatchEvent(new WheelEvent("wheel", turn));
  }

  return { stop };
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
