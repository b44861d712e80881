// What the Option key of Macs types, in this browser.

import { askChoice } from "./dialog.js";
import { remembered } from "./dom.js";

const stored = "convoy-option"; // off, left or both

export const onMac = /^Mac/.test(navigator.platform); // as in xterm.js

/** optionIsMeta reports whether Option sends Esc before a key instead of typing another character. left: the left one. */
export function optionIsMeta(left) {
  const choice = remembered(stored);
  return choice === "both" || (choice === "left" && left);
}

/** addOption adds the setting to the menu of a shell's tools, on Macs. done() is called after it. */
export function addOption(tools, done) {
  if (onMac) tools.add("Option key…", () => askChoice("option-template", stored, "off").then(done));
}
