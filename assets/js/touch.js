// A row of keys that touch screens lack (shell_pane.html). The style sheet shows it there.

import { all } from "./dom.js";
import { inMode } from "./terminal.js";

// What the keys send. Ctrl and Alt are held for the next one.
const codes = {
  Escape: "\x1b", Tab: "\t", Left: "\x1b[D", Up: "\x1b[A", Down: "\x1b[B", Right: "\x1b[C", Pipe: "|", Tilde: "~", Minus: "-",
  PageUp: "\x1b[5~", PageDown: "\x1b[6~", Home: "\x1b[H", End: "\x1b[F",
};

// show keeps the focused shell in sight, and the row above a keyboard that covers the page, as on iOS.
function show() {
  const { height, offsetTop, scale } = visualViewport;
  const covered = scale === 1 ? Math.max(0, innerHeight - height - offsetTop) : 0;
  document.documentElement.style.setProperty("--keyboard", `${covered}px`);
  document.activeElement.closest(".shell")?.scrollIntoView({ block: "nearest" });
}

if (matchMedia("(pointer: coarse)").matches) {
  visualViewport.addEventListener("resize", show);
  addEventListener("focusin", show);
}

/** pressKeys makes the keys of a row press those of a keyboard. */
export function pressKeys(row, term, keyboard) {
  row.addEventListener("pointerdown", (e) => e.preventDefault()); // the terminal keeps the focus, and the keyboard stays open
  row.addEventListener("click", (e) => {
    const { target } = e;
    const { key } = target.dataset;
    if (codes[key]) keyboard.press(inMode(term, codes[key]), e);
    else if (key) target.ariaPressed = keyboard.toggle(key);
  });
  keyboard.onRelease = () => { for (const key of all("[aria-pressed]", row)) key.ariaPressed = "false"; };
}
