// What the Option key of Macs types, in this browser.

import { remember, remembered } from "./dom.js";
import { dialog, make } from "./terminal.js";

const stored = "convoy-option";
const choices = { off: "types characters of your layout", left: "is Meta: only the left one", both: "is Meta: both" };

export const onMac = /^Mac/.test(navigator.platform); // as in xterm.js

/** optionIsMeta reports whether Option sends Esc before a key instead of typing another character. left: the left one. */
export function optionIsMeta(left) {
  const choice = remembered(stored);
  return choice === "both" || (choice === "left" && left);
}

/** addOption adds the setting to the menu of a shell's tools, on Macs. done() is called after it. */
export function addOption(tools, done) {
  if (onMac) tools.add("keyboard", "Option key…", () => ask().then(done), { more: true });
}

async function ask() {
  const label = Object.assign(make("label"), { textContent: "Option (⌥)" });
  const select = make("select");
  for (const [value, text] of Object.entries(choices)) select.append(new Option(text, value));
  select.value = remembered(stored) ?? "off";
  label.append(select);
  const text = Object.assign(make("p"), { textContent: "Layouts have characters such as @ and | on Option. Emacs and the editing of command lines use Meta." });
  const answer = await dialog({ title: "Option key", body: [text, label], answers: [["cancel", "Cancel"], ["save", "Save"]] });
  if (answer === "save") remember(stored, select.value);
}
