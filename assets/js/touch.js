// A row of keys that touch screens lack (shell_pane.html). The style sheet shows it there.

import { all } from "./dom.js";
import { inMode } from "./terminal.js";

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
    const { code, hold } = e.target.dataset;
    if (code) keyboard.press(inMode(term, code), e);
    else if (hold) e.target.ariaPressed = keyboard.toggle(hold); // for the next key
  });
  keyboard.onRelease = () => { for (const key of all("[aria-pressed]", row)) key.ariaPressed = "false"; };
}
