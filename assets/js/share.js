// Share links to a shell: the dialog (share_links.html), and the tool in the line below a terminal that opens it.

import { find } from "./dom.js";

const dialog = find("#share");
dialog.addEventListener("close", () => dialog.replaceChildren()); // the list stops refreshing

/** openShare shows the links to a shell. */
export async function openShare(path) {
  await window.htmx.ajax("GET", `${path}/links`, { target: dialog });
  if (dialog.childElementCount) dialog.showModal();
}

/** showLinks shows on a pane's tool how many links open its shell. */
export function showLinks(pane, links) {
  const button = find("[data-action=share]", pane);
  button.title = button.ariaLabel = links ? `Share: ${links} ${links === 1 ? "link opens" : "links open"} this shell` : "Share";
  button.toggleAttribute("data-count", links > 0);
  if (links) button.dataset.count = links;
}
