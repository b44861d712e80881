// The dialog with the shells of all nodes: its list (shell_list.html) refreshes while it is open.

import { allCards } from "./cards.js";
import { all, find } from "./dom.js";
import { notice } from "./notices.js";

const dialog = find("#shells");

// The list marks the shells that this page does not follow.
function markDetached() {
  for (const row of all("[data-shell]", dialog)) {
    row.toggleAttribute("data-ui-detached", !!cardOfRow(row)?.isDetached(row.dataset.shell));
  }
}
document.addEventListener("htmx:after:swap", markDetached);

const cardOfRow = row => allCards().find(card => card?.name === row.dataset.node);

// act acts on the card of a row's node.
const act = what => button => {
  const row = button.closest("[data-shell]");
  const card = cardOfRow(row);
  if (!card) return notice("warn", "That node is no longer on the page.");
  what(card, row.dataset.shell);
  markDetached();
};

/** shellActions are the actions of the list's buttons. */
export const shellActions = {
  "go-to-shell": act((card, shell) => {
    dialog.close();
    card.element.scrollIntoView({ block: "nearest" });
    card.select(shell, true);
  }),
  "detach-shell": act((card, shell) => card.setDetached(true, shell)),
  "reattach-shell": act((card, shell) => card.setDetached(false, shell)),
};
