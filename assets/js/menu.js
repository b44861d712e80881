// The menu of the console: finding a command in it. Without scripts it opens and closes all the same.

import { all, find } from "./dom.js";

const menu = find("#menu");
const field = find("[data-menu-filter]", menu);
const none = find("[data-menu-none]", menu);
const items = () => all(".menu-item", menu).filter((item) => item.checkVisibility());

/** openMenu opens the menu, with the cursor in its field. */
export function openMenu() {
  menu.showPopover();
  field.focus();
}

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of all(".menu-item", menu)) item.hidden = !words.every((word) => item.textContent.toLowerCase().includes(word));
  for (const line of all("hr", menu)) line.hidden = words.length > 0;
  none.hidden = items().length > 0;
}

menu.addEventListener("beforetoggle", () => { // before anything is typed
  field.value = "";
  filter();
  none.hidden = true;
});
menu.addEventListener("toggle", ({ newState }) => {
  if (newState === "open" && matchMedia("(pointer: fine)").matches) field.focus();
});
field.addEventListener("input", filter);
menu.addEventListener("keydown", (event) => {
  const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const places = [field, ...items()];
  if (to) places.at((places.indexOf(document.activeElement) + to) % places.length).focus();
  else if (event.key === "Enter" && event.target === field) places[1]?.click();
  else return;
  event.preventDefault();
});
// A command may open a dialog, and move the focus: the menu closes before.
menu.addEventListener("click", ({ target }) => target.closest(".menu-item:not([data-action=theme])") && menu.hidePopover());
