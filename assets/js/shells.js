// The dialog with the shells of all nodes.

import { allCards } from "./cards.js";
import { all, find } from "./dom.js";
import { call } from "./key.js";
import { notice } from "./notices.js";

const refreshEvery = 2000; // ms between two updates while the dialog is open

const dialog = find("#shells");
let timer = 0;

/** openShells shows the dialog with the current shells. */
export function openShells() {
  if (!dialog.open) dialog.showModal();
  load().then(() => find(".shell-go", dialog)?.focus());
}

/** markDetached marks the shells that this page does not follow. */
function markDetached() {
  for (const row of all("[data-shell]", dialog)) {
    row.toggleAttribute("data-ui-detached", !!cardOfRow(row)?.isDetached(row.dataset.shell));
  }
}

async function load() {
  clearTimeout(timer);
  try {
    const answer = await call("/shells", { headers: { "HX-Request": "true", Accept: "text/html" } });
    if (!dialog.open) return;
    if (answer.ok) {
      window.htmx.swap({ sourceElement: dialog, target: "#shell-list", swap: "outerMorph", text: await answer.text() });
      markDetached();
    }
  } catch { /* the next update may succeed */ }
  clearTimeout(timer);
  if (dialog.open) timer = setTimeout(load, refreshEvery);
}

dialog.addEventListener("close", () => clearTimeout(timer));

const rowOf = button => button.closest("[data-shell]");
const cardOfRow = row => allCards().find(card => card?.name === row.dataset.node);

// act acts on the card of a row's node, and updates the list.
const act = what => async button => {
  const row = rowOf(button);
  const card = cardOfRow(row);
  if (!card) return notice("warn", "That node is no longer on the page.");
  await what(card, row.dataset.shell);
  markDetached();
  if (dialog.open) load();
};

/** shellActions are the actions of the list's buttons. */
export const shellActions = {
  shells: openShells,
  "close-shells": () => dialog.close(),
  "go-to-shell": act((card, shell) => {
    dialog.close();
    card.element.scrollIntoView({ block: "nearest" });
    card.select(shell, true);
  }),
  "detach-shell": act((card, shell) => card.detach(shell)),
  "reattach-shell": act((card, shell) => card.reattach(shell)),
  "restart-shell": act((card, shell) => card.restart(shell)),
  "end-shell": act((card, shell) => card.close(shell)),
};
