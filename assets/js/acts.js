// Actions on whole shells: detach, restart, close, save as text.

import { sentence } from "./dom.js";
import { download } from "./key.js";
import { ask, confirm, notice } from "./notices.js";
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

/** end closes a shell, after a question if someone would lose something. It returns whether the shell is gone. */
export async function end(node, shell, pane) {
  const info = await look(node, shell);
  if (!info || !await confirmed("Close", info, pane)) return false;
  return !!await ask("DELETE", shellPath(node, shell));
}

/** restart replaces a shell by a new one of the same size and directory, and returns it, or null. */
export async function restart(node, shell, pane) {
  const info = await look(node, shell);
  if (!info || !await confirmed("Restart", info, pane)) return null;
  const { rows, cols, kind } = info;
  const dir = kind === "convoy" ? undefined : info.dir;
  const answer = await ask("POST", `/nodes/${node}/shells`, { rows, cols, dir, kind, before: shell });
  if (!answer) return null;
  if (answer.hint) notice("warn", sentence(answer.hint));
  await ask("DELETE", shellPath(node, shell));
  return answer;
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
  if (answer === "yes") await ask("POST", `${shellPath(node, shell)}/title`, { title: field.value });
}

const look = (node, shell) => ask("GET", shellPath(node, shell));

// confirmed asks if something runs in the shell, or if others view it.
function confirmed(what, { title, busy, running, viewers }, pane) {
  if (!running) return true;
  if (busy) return confirm(`${what} ${title}?`, `${busy} is still running. ${what === "Restart" ? "Restarting" : "Closing"} the shell ends it.`, what);
  const others = pane?.presence.others ?? [];
  const more = viewers - (pane && !pane.detached ? 1 : 0);
  if (more < 1) return true;
  const who = others.length > 1 || !others.length && more > 1 ? `${Math.max(more, others.length)} others are` : `${others[0] ?? "Someone else"} is`;
  return confirm(`${what} ${title}?`, `${who} viewing it too.`, what);
}

/** equip adds the console's tools to a pane. */
export function equip(pane, { node, shell, detach, rename }) {
  const { tools } = pane;
  if (rename) tools.add("pencil", "Rename …", rename, { more: true });
  tools.add("file-down", "Download as text", () => download(`${shellPath(node, shell)}/text`), { more: true });
  tools.add("plug", "Detach", detach, { more: true });
}
