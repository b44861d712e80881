// The dialogs of a shell (share_links.html, alert.html), and the tool in the line below a terminal that opens one.

import { find } from "./dom.js";

/** openDialog shows what the server has for a dialog, such as the links to a shell. */
export async function openDialog(dialog, path) {
  dialog.onclose = () => dialog.replaceChildren(); // a list stops refreshing
  await window.htmx.ajax("GET", path, { target: dialog });
  if (dialog.childElementCount) dialog.showModal();
}

/** showLinks shows on a pane's tool how many links open its shell. */
export function showLinks(pane, links) {
  const button = find("[data-action=share]", pane);
  button.title = button.ariaLabel = links ? `Share: ${links} ${links === 1 ? "link opens" : "links open"} this shell` : "Share";
  button.toggleAttribute("data-count", links > 0);
  if (links) button.dataset.count = links;
}
