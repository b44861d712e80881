// Share links to a shell: the tool in the line below its terminal, which opens the dialog (share_links.html).

import { find } from "./dom.js";
import { shellPath } from "./stream.js";

const dialog = find("#share");
dialog.addEventListener("close", () => dialog.replaceChildren()); // the list stops refreshing

/** shareTool adds the tool to a pane. The returned function shows how many links open its shell. */
export function shareTool(pane, { node, shell }) {
  const button = pane.tools.add("Share", async () => {
    await window.htmx.ajax("GET", `${shellPath(node, shell)}/links`, { target: dialog });
    if (dialog.childElementCount) dialog.showModal();
  });
  return (links) => {
    const label = links ? `Share: ${links} ${links === 1 ? "link opens" : "links open"} this shell` : "Share";
    if (button.title !== label) button.title = button.ariaLabel = label;
    if (links) button.dataset.count = links;
    else delete button.dataset.count;
  };
}
