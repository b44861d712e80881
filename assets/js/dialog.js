// Dialogs: questions from the page's templates, and buttons that open and close dialogs.

import { find, remember, remembered, stamp } from "./dom.js";

// Older browsers, such as Safari before 26.2, know no commands of buttons (HTML, "commandfor").
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (button?.getAttribute("command") === "close") dialog?.close();
    else dialog?.showModal();
  });
}

/**
 * ask shows a dialog made from a template, and resolves to the value of the answer, or to "" without one. fill(dialog)
 * completes it before.
 */
export function ask(template, fill = () => {}) {
  const dialog = document.body.appendChild(stamp(template));
  fill(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/** askText asks for a text in a dialog with one field, which begins with value. It resolves to null without an answer. */
export async function askText(template, value) {
  let field;
  const answer = await ask(template, (dialog) => {
    field = dialog.querySelector("input");
    field.value = value;
    field.addEventListener("focus", () => field.select(), { once: true });
  });
  return answer ? field.value : null;
}

/** askChoice asks for a setting of this browser, in a dialog with one list, whose name is that of the setting. */
export async function askChoice(template) {
  let list;
  const answer = await ask(template, (dialog) => {
    list = find("select", dialog);
    list.value = remembered(list.name) ?? list.value;
  });
  if (answer) remember(list.name, list.value);
}
