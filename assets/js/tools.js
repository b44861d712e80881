// The line under a shell's terminal: its viewers, and its tools.
//
//   const tools = new Tools();            // tools.element belongs below the terminal
//   const b = tools.add("search", "Search", () => …);   // an icon of icons.svg, a label, a click handler
//
// Buttons are in the order in which they were added. Rarely used ones go into the menu, with more: true.

import { make } from "./terminal.js";

const sprite = new URL("../icons.svg", import.meta.url).href;
const svg = "http://www.w3.org/2000/svg";

/** icon creates a symbol of the sprite. It is decorative: the label next to it has the meaning. */
export function icon(name) {
  const element = document.createElementNS(svg, "svg");
  element.setAttribute("class", "icon");
  element.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svg, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  element.append(use);
  return element;
}

/** Tools is the line. left contains the viewers and the size. */
export class Tools {
  element = make("div", "shell-tools");
  left = make("div", "shell-there");
  #buttons = make("div", "shell-acts");
  #menu = make("div", "shell-menu");
  #more = make("button", "button quiet square small");

  constructor() {
    this.#buttons.setAttribute("role", "toolbar");
    this.#buttons.setAttribute("aria-label", "This shell");
    this.#menu.popover = "auto";
    this.#more.type = "button";
    this.#more.title = this.#more.ariaLabel = "More";
    this.#more.append(icon("ellipsis"));
    this.#more.popoverTargetElement = this.#menu;
    this.#more.hidden = true;
    this.#buttons.append(this.#more);
    this.element.append(this.left, this.#buttons, this.#menu);
    this.element.addEventListener("keydown", e => this.#arrow(e));
  }

  /** focus focuses the first button of the line; the arrow keys move between buttons. */
  focus() { this.#buttons.querySelector("button:not([hidden])").focus(); }

  #arrow(e) {
    const buttons = [...this.element.querySelectorAll("button")].filter(b => b.checkVisibility() && !b.disabled);
    const to = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key];
    const at = buttons.indexOf(document.activeElement);
    if (!to || at < 0) return;
    e.preventDefault();
    buttons.at((at + to) % buttons.length).focus();
  }

  /** add creates a button, in the line or in the menu. */
  add(name, label, act, { more = false } = {}) {
    const button = make("button", more ? "button quiet small" : "button quiet square small");
    button.type = "button";
    button.dataset.tool = label;
    button.append(icon(name));
    if (more) {
      const text = make("span");
      text.textContent = label;
      button.append(text);
      this.#menu.append(button);
      this.#more.hidden = false;
    } else {
      button.title = button.ariaLabel = label;
      this.#more.before(button);
    }
    button.addEventListener("click", () => {
      if (more) this.#menu.hidePopover();
      act(button);
    });
    return button;
  }
}
