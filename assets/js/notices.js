// Messages to the user: notices and questions.

import { ask } from "./dialog.js";
import { all, find, stamp } from "./dom.js";

const durations = { info: 6000, warn: 12000 }; // ms; errors stay

// notice shows a notice, and returns its element.
export function notice(level, text, hint = "") {
  const element = stamp("notice-template");
  element.dataset.level = level;
  find(".notice-text", element).textContent = text;
  find(".notice-hint", element).textContent = hint;
  find("#notices").append(element);
  return element;
}

// Notices also come as HTML from the server. All disappear on their own, except errors.
new MutationObserver((changes) => {
  for (const element of changes.flatMap((change) => [...change.addedNodes])) {
    if (!(element instanceof HTMLElement)) continue;
    for (const other of all("#notices .notice")) {
      if (other !== element && other.textContent === element.textContent) other.remove();
    }
    const ms = durations[element.dataset.level];
    if (ms) leave(element, ms);
  }
  for (const old of all("#notices .notice").slice(0, -4)) old.remove();
}).observe(find("#notices"), { childList: true });

document.addEventListener("click", ({ target }) => target.closest("[data-action=dismiss]")?.closest(".notice").remove());

function leave(element, ms) {
  setTimeout(() => (element.matches(":hover, :focus-within") ? leave(element, 2000) : element.remove()), ms);
}

// confirm asks the user, and resolves to whether the answer is yes.
export async function confirm(title, text, yes) {
  if (find("#confirm")) return false;
  const answer = await ask("confirm-template", (dialog) => {
    find("h2", dialog).textContent = title;
    find("p", dialog).textContent = text;
    find("[value=yes]", dialog).textContent = yes;
  });
  return answer === "yes";
}
