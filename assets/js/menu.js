// The menu of the console, which also finds: its own entries here, and nodes, shells, runbooks and recordings on the
// server (found.html). Without scripts it opens and closes all the same.

import { all, find, set } from "./dom.js";

const menu = find("#menu");
const field = find("[data-menu-filter]", menu);
const none = find("[data-menu-none]", menu);
const items = () => all(".menu-item", menu).filter((item) => item.checkVisibility() && !item.disabled);
let opener = null; // where the focus was
let enter = false; // Enter was pressed before the server's answer

/** entry is the one that shows a key, which presses it. */
export const entry = (key) => all("kbd", menu).find(({ textContent }) => textContent === key)?.closest("button");

/** openMenu opens the menu, with the cursor in its field. */
export function openMenu() {
  menu.showPopover();
  field.focus();
}

function filter() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of all(".menu-item", menu)) {
    if (item.closest("#found")) continue;
    const text = item.textContent.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word));
  }
  if (!words.length) find("#found").replaceChildren();
  enter = false;
  mark();
}

// mark shows which entry Enter takes, and says how many there are.
function mark() {
  const list = items();
  for (const item of all("[data-ui-first]", menu)) item.toggleAttribute("data-ui-first", false);
  if (field.value) list[0]?.toggleAttribute("data-ui-first", true);
  set(none, list.length || !field.value ? "" : "Nothing matches.");
  none.hidden = !none.textContent;
}

function take() {
  const [first] = items();
  enter = !first;
  first?.click();
}

menu.addEventListener("beforetoggle", ({ newState }) => { // before anything is typed
  if (newState === "open") opener = document.activeElement;
  field.value = "";
  filter();
});
menu.addEventListener("toggle", ({ newState }) => {
  if (newState === "open" && matchMedia("(pointer: fine)").matches) field.focus();
  else if (newState === "closed" && document.activeElement === document.body) opener?.focus();
});
field.addEventListener("input", filter);
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.sourceElement !== field) return;
  if (!field.value) find("#found").replaceChildren(); // an answer that is late
  mark();
  const answered = new URL(ctx.request.action, location.href).searchParams.get("q");
  if (enter && answered === field.value) take(); // not of an earlier query
});
menu.addEventListener("keydown", (event) => {
  const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const places = [field, ...items()];
  if (to) places.at((places.indexOf(document.activeElement) + to) % places.length).focus();
  else if (event.key === "Escape") menu.hidePopover(); // at once: else it only clears the field
  else if (event.key === "Enter" && event.target === field && !event.isComposing) take();
  else {
    const types = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (types) field.focus(); // which gets the letter
    return;
  }
  event.preventDefault();
});
// A command may open a dialog, and move the focus: the menu closes before.
menu.addEventListener("click", ({ target }) => {
  if (target.closest(".menu-item:not([data-action=theme])")) menu.hidePopover();
});
