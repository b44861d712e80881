// Actions on whole shells: detaching and renaming them.

import { command } from "./commands.js";
import { askText } from "./dialog.js";
import { remember, remembered, thisTab } from "./dom.js";
import { shellPath } from "./stream.js";

const stored = "convoy-detached"; // in this tab's storage: keys of detached shells

/** detached is the set of shells, NODE/SHELL, that this tab does not follow; it survives a reload. */
export const detached = {
  all: () => new Set(JSON.parse(remembered(stored, thisTab) ?? "[]")),
  has: key => detached.all().has(key),
  set(key, on) {
    const keys = detached.all();
    if (on) keys.add(key);
    else keys.delete(key);
    remember(stored, JSON.stringify([...keys]), thisTab);
  },
};

/** rename asks for a shell's title. An empty one is again that of the program. */
export async function rename(node, shell, title) {
  const answer = await askText("rename-template", title);
  if (answer !== null) command("POST", `${shellPath(node, shell)}/title`, { title: answer });
}
