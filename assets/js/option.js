// What the Option key of Macs types, in this browser.

import { remembered } from "./dom.js";

const stored = "convoy-option"; // off, left or both

export const onMac = /^Mac/.test(navigator.platform); // as in xterm.js

/** optionIsMeta reports whether Option sends Esc before a key instead of typing another character. left: the left one. */
export function optionIsMeta(left) {
  const choice = remembered(stored);
  return choice === "both" || (choice === "left" && left);
}
