// Actions on whole shells: detach, rename, save as text.

import { command } from "./commands.js";
import { askText } from "./dialog.js";
import { download } from "./key.js";
import { shellPath } from "./stream.js";

const stored = "convoy-detached"; // in this tab's storage: keys of detached shells

/** detached is the set of shells, NODE/SHELL, that this tab does not follow; it survives a reload. */
export const detached = {
  has: key => read().has(key),
  set(key, on) {
    const keys = read();
    if (on) keys.add(key);
    else keys.delete(key);
    try {
      sessionStorage.setItem(stored, JSON.stringify([...keys]));
    } catch {
      // this page only
    }
  },
};

function read() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(stored) ?? "[]"));
  } catch {
    return new Set();
  }
}

/** rename asks for a shell's title. An empty one is again that of the program. */
export async function rename(node, shell, title) {
  const answer = await askText("rename-template", title);
  if (answer !== null) command("POST", `${shellPath(node, shell)}/title`, { title: answer });
}

/** equip adds the console's tools to a pane. */
export function equip(pane, { node, shell, detach, rename }) {
  const { tools } = pane;
  if (rename) tools.add("Rename …", rename);
  tools.add("Download as text", () => download(`${shellPath(node, shell)}/text`));
  tools.add("Detach", detach);
}
