// A row of keys that touch screens lack.

import { button, inMode, make } from "./terminal.js";

// Label, name, what it sends; "" for keys that are held.
const keys = [
  ["Esc", "Escape", "\x1b"], ["Tab", "Tab", "\t"], ["Ctrl", "Ctrl", ""], ["Alt", "Alt", ""],
  ["←", "Left", "\x1b[D"], ["↑", "Up", "\x1b[A"], ["↓", "Down", "\x1b[B"], ["→", "Right", "\x1b[C"],
  ["|", "Pipe", "|"], ["~", "Tilde", "~"], ["-", "Minus", "-"],
  ["PgUp", "PageUp", "\x1b[5~"], ["PgDn", "PageDown", "\x1b[6~"], ["Home", "Home", "\x1b[H"], ["End", "End", "\x1b[F"],
];

/** touches reports whether this screen is touched. */
export const touches = matchMedia("(pointer: coarse)").matches;

// show keeps the focused shell in sight, and the row above a keyboard that covers the page, as on iOS.
function show() {
  const { height, offsetTop, scale } = visualViewport;
  const covered = scale === 1 ? Math.max(0, innerHeight - height - offsetTop) : 0;
  document.documentElement.style.setProperty("--keyboard", `${covered}px`);
  document.activeElement.closest(".shell")?.scrollIntoView({ block: "nearest" });
}

if (touches) {
  visualViewport.addEventListener("resize", show);
  addEventListener("focusin", show);
}

/** TouchKeys is the row below one terminal. It stays above the on-screen keyboard. */
export class TouchKeys {
  element = make("div", "shell-keys");

  constructor(term, keyboard) {
    this.element.setAttribute("role", "toolbar");
    this.element.setAttribute("aria-label", "Keys");
    for (const [label, name, send] of keys) {
      const key = button(label, () => {
        if (send) keyboard.press(inMode(term, send));
        else key.setAttribute("aria-pressed", keyboard.toggle(name));
      });
      key.dataset.key = name;
      key.setAttribute("aria-label", name);
      if (!send) key.setAttribute("aria-pressed", false);
      key.addEventListener("pointerdown", e => e.preventDefault()); // the terminal keeps the focus, and the keyboard stays open
      this.element.append(key);
    }
    keyboard.onRelease = () => {
      for (const key of this.element.querySelectorAll("[aria-pressed]")) key.setAttribute("aria-pressed", false);
    };
  }
}
