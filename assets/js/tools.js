// The line under a shell's terminal: its viewers, and its tools. The tools are in shell_pane.html; rarely used ones are
// in the menu.

import { all, find } from "./dom.js";

/** newTools is the line of a pane. element is to be read. */
export function newTools(pane) {
  const element = find(".shell-tools", pane);
  const menu = find(".shell-more", pane);
  find("[title=More]", pane).popoverTargetElement = menu;
  menu.addEventListener("click", ({ target }) => target.closest("button, a") && menu.hidePopover(), { capture: true });
  element.addEventListener("keydown", arrow);

  /** focus focuses the first button of the line; the arrow keys move between buttons. */
  function focus() { find(".shell-acts button:not([hidden])", element).focus(); }

  function arrow(e) {
    const buttons = all("button, a", element).filter((b) => b.checkVisibility() && !b.disabled);
    const to = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key];
    const at = buttons.indexOf(document.activeElement);
    if (!to || at < 0) return;
    e.preventDefault();
    buttons.at((at + to) % buttons.length).focus();
  }

  /** add shows a tool, which acts when it is clicked. It returns its button. */
  function add(name, act) {
    const button = find(`[data-tool="${name}"]`, element);
    button.hidden = false;
    button.addEventListener("click", act);
    return button;
  }

  return { element, focus, add };
}
