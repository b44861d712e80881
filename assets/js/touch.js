// A row of keys that touch screens lack.

import { button, inMode, make } from "./terminal.js";

// Label, name, what it sends; nothing for Ctrl.
const keys = [
  ["Esc", "Escape", "\x1b"], ["Tab", "Tab", "\t"], ["Ctrl", "Ctrl", ""],
  ["←", "Left", "\x1b[D"], ["↑", "Up", "\x1b[A"], ["↓", "Down", "\x1b[B"], ["→", "Right", "\x1b[C"],
];

/** TouchKeys is the row below one terminal. */
export class TouchKeys {
  element = make("div", "shell-keys");
  #term;
  #ctrl = false; // Ctrl is held

  constructor(term) {
    this.#term = term;
    this.element.setAttribute("role", "toolbar");
    this.element.setAttribute("aria-label", "Keys");
    for (const [label, name, send] of keys) {
      const key = button(label, () => (send ? this.#press(send) : this.#setCtrl(!this.#ctrl)));
      key.dataset.key = name;
      key.setAttribute("aria-label", name);
      key.addEventListener("pointerdown", e => e.preventDefault()); // the terminal keeps the focus, and the keyboard stays open
      this.element.append(key);
    }
  }

  /** held is the meaning of text with the keys that are held. */
  held(text) {
    if (!this.#ctrl || text.length !== 1) return text;
    this.#setCtrl(false);
    return text >= "@" && text <= "~" ? String.fromCharCode(text.charCodeAt(0) & 0x1f) : text;
  }

  #setCtrl(on) {
    this.#ctrl = on;
    this.element.querySelector("[data-key=Ctrl]").setAttribute("aria-pressed", on);
  }

  #press(send) { this.#term.input(inMode(this.#term, send)); }
}
