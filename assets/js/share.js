// Share links to a shell: the tool in the line below its terminal, and the dialog that creates, lists, and revokes
// links (docs/protocol.md, "Share links").

import { find, set } from "./dom.js";
import { call } from "./key.js";
import { ask, confirm } from "./notices.js";
import { shellPath } from "./stream.js";
import { copy, make } from "./terminal.js";
import { icon } from "./tools.js";

const refresh = 5000; // ms between two updates of the visible list
let shown = null; // {path, where} of the dialog's shell
let timer = 0;

/** shareTool adds the tool to a pane. The returned function shows how many links open its shell. */
export function shareTool(pane, { node, shell, title }) {
  const where = `${title} on ${node.replace(/^.*@/, "").replace(/\..*$/, "")}`;
  const button = pane.tools.add("share-2", "Share", () => show({ path: `${shellPath(node, shell)}/links`, where }));
  return (links) => {
    const label = links ? `Share: ${links} ${links === 1 ? "link opens" : "links open"} this shell` : "Share";
    if (button.title !== label) button.title = button.ariaLabel = label;
    if (links) button.dataset.count = links;
    else delete button.dataset.count;
  };
}

function show(about) {
  shown = about;
  find("#share-what").textContent = about.where;
  find("#share-make").reset();
  warn();
  find("#share-made").hidden = true;
  find("#share-said").textContent = "";
  find("#share-list").replaceChildren();
  find("#share").showModal();
  list();
  timer = setInterval(list, refresh);
}

// list shows the current links.
async function list() {
  const { path } = shown;
  const answer = await call(path, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || shown.path !== path) return;
  const links = await answer.json();
  find("#share-none").hidden = links.length > 0;
  const rows = new Map([...find("#share-list").children].map((row) => [row.dataset.link, row]));
  for (const link of links) {
    const row = rows.get(link.id) ?? newRow(link);
    rows.delete(link.id);
    set(find(".share-facts", row), details(link));
  }
  for (const row of rows.values()) row.remove();
}

function newRow(link) {
  const row = make("li");
  row.dataset.link = link.id;
  row.dataset.right = link.right;
  const text = make("div", "share-text");
  const name = make("b");
  name.textContent = link.label || "no label";
  text.append(name, " ", make("span", "share-facts"));
  const revoke = make("button", "button small");
  revoke.type = "button";
  revoke.textContent = "Revoke";
  revoke.ariaLabel = `Revoke the link ${link.label}`;
  revoke.addEventListener("click", () => end(link));
  row.append(icon(link.right === "type" ? "keyboard" : "eye"), text, revoke);
  find("#share-list").append(row);
  return row;
}

function details(link) {
  const here = link.viewers === 1 ? "1 viewer" : `${link.viewers} viewers`;
  const used = link.used ? `used ${span(Date.now() - Date.parse(link.used))} ago` : "not used yet";
  return `${link.right === "type" ? "view and type" : "view only"}, ${span(Date.parse(link.expires) - Date.now())} left, ${here}, ${used}, created by ${link.by}`;
}

function span(ms) {
  const min = Math.max(0, Math.round(ms / 60_000));
  if (min < 1) return "under a minute";
  if (min < 60) return `${min} min`;
  return min < 48 * 60 ? `${Math.round(min / 60)} h` : `${Math.round(min / 1440)} days`;
}

async function end(link) {
  const { path } = shown;
  if (link.viewers && !await confirm("Revoke this link?", "People who are viewing the shell through this link are disconnected.", "Revoke")) return;
  if (!await ask("DELETE", `${path}/${link.id}`)) return;
  find("#share-said").textContent = "Revoked.";
  find("#share-made").hidden = true;
  find("#share-make [type=submit]").focus();
  list();
}

// warn explains what a link that allows typing means, while that is chosen.
function warn() {
  find(".share-warning").hidden = find("#share-make").elements.right.value !== "type";
}

find("#share-make").addEventListener("change", warn);
find("#share-make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { right, expires, label } = event.target.elements;
  const made = await ask("POST", shown.path, { right: right.value, expires: expires.value, label: label.value });
  if (!made) return;
  find("#share-made").hidden = false;
  const field = find("#share-url");
  field.value = location.origin + made.url;
  field.focus();
  field.select();
  list();
});
find("#share-copy").addEventListener("click", () => {
  find("#share-url").select();
  copy(find("#share-url").value);
  find("#share-said").textContent = "Copied.";
});
find("#share-close").addEventListener("click", () => find("#share").close());
find("#share").addEventListener("close", () => clearInterval(timer));
