// Actions on whole shells: detach, rename, save as text.

import { command } from "./commands.js";
import { download } from "./key.js";
import { shellPath } from "./stream.js";
import { dialog, make } from "./terminal.js";

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
  const text = make("p");
  text.textContent = "Everyone sees this title. If you leave it empty, the program sets it.";
  const field = Object.assign(make("input"), { value: title, maxLength: 120, ariaLabel: "Title", autofocus: true });
  field.autocomplete = "off";
  field.addEventListener("focus", () => field.select(), { once: true });
  const answers = [["no", "Cancel"], ["yes", "Rename"]];
  const answer = await dialog({ title: "Rename this shell", body: [text, field], answers });
  if (answer === "yes") command("POST", `${shellPath(node, shell)}/title`, { title: field.value });
}

/** equip adds the console's tools to a pane. */
export function equip(pane, { node, shell, detach, rename }) {
  const { tools } = pane;
  if (rename) tools.add("pencil", "Rename …", rename, { more: true });
  tools.add("file-down", "Download as text", () => download(`${shellPath(node, shell)}/text`), { more: true });
  tools.add("plug", "Detach", detach, { more: true });
}
