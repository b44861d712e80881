// The menu of the console: finding a command or a node in it. Without scripts it opens and closes all the same.

import { all, find, stamp } from "./dom.js";

const menu = find("#menu");
const field = find("[data-menu-filter]", menu);
const none = find("[data-menu-none]", menu);
const items = () => all(".menu-item", menu).filter((item) => item.checkVisibility());

/** openMenu opens the menu, with the cursor in its field. */
export function openMenu() {
  menu.showPopover();
  field.focus();
}

// nodes are entries that go to a node's shell: they are there to be found, not to be listed.
function nodes() {
  return all("#nodes .node").map(({ id, dataset }) => {
    const item = stamp("go-template");
    item.dataset.card = id;
    find("span", item).textContent = `Go to ${dataset.short}`;
    return item;
  });
}

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of all(".menu-item", menu)) {
    const text = item.textContent.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word)) || (!words.length && "card" in item.dataset);
  }
  none.hidden = items().length > 0;
}

menu.addEventListener("beforetoggle", () => { // before anything is typed
  field.value = "";
  find("[data-menu-nodes]", menu).replaceChildren(...nodes());
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
menu.addEventListener("click", ({ target }) => {
  if (target.closest(".menu-item:not([data-action=theme])")) menu.hidePopover();
});
