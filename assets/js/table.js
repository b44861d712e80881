// The table of nodes beside the cards: which of the two is shown, the order and the groups of its rows, and the chosen
// ones. The server renders the rows (node_row.html); the page orders them, so that a click shows at once.

import { param, setParams } from "./address.js";
import { all, find, set, stamp } from "./dom.js";

/** maxLarge is how many nodes fill the window side by side. */
export const maxLarge = 4;

const named = 8; // nodes that a question lists by name
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** isTable is whether the page shows the table. */
export const isTable = () => document.body.dataset.view === "table";

/** rows are the rows of nodes, in their order. */
export const rows = () => all("#node-table tr[data-node]");

/** arrange follows the address, a filter, and a morph of #nodes. It resolves nothing: the order is there at once. */
export function arrange() {
  document.body.dataset.view = param("view") === "table" ? "table" : "cards";
  find("#fleet [data-action=view]").ariaPressed = String(isTable());
  const select = find("[data-group-by]");
  select.value = param("group");
  if (select.selectedIndex < 0) select.value = "";
  if (!isTable()) return;
  const grouped = select.value !== "";
  const list = sorted();
  const groups = grouped ? Map.groupBy(list, groupOf(select.value)) : new Map();
  const focused = document.activeElement;
  place(find("#rows"), grouped ? [] : list);
  const bodies = [...groups].sort(([a], [b]) => collator.compare(a, b)).map(([name, members]) => group(name, members));
  place(find("#node-table"), [find("#node-table thead"), find("#rows"), ...bodies]);
  if (focused !== document.activeElement) focused.focus({ preventScroll: true });
  showChosen();
}

// sorted are the rows in the order of the cards, or that of a column. Nodes without a value come last.
function sorted() {
  const [, sign, name] = /^(-?)(.*)$/.exec(param("sort"));
  for (const head of all("#node-table thead th")) {
    const by = head.dataset.column === name;
    head.ariaSort = by ? (sign ? "descending" : "ascending") : null;
  }
  const list = all("#cards .node").map(({ id }) => document.getElementById(`row-${id}`)).filter(Boolean);
  const at = all("#node-table thead tr > *").findIndex((head) => head.dataset.column === name);
  if (at < 0) return list;
  const value = (row) => row.cells[at].dataset.value;
  const compare = (a, b) => a - b || collator.compare(a, b);
  return list.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return x && y ? compare(x, y) * (sign ? -1 : 1) : !x - !y;
  });
}

// groupOf returns what the group of a row is named by: its node's name without the last part, a label, or a column.
function groupOf(by) {
  if (by === "prefix") return ({ dataset }) => dataset.short.replace(/(?<=.)-[^-]*$/, "");
  if (by === "state") return ({ dataset }) => dataset.status;
  const [, key] = by.split("label:");
  if (key) {
    const label = ({ dataset }) => dataset.labels?.split(" ").find((one) => one.startsWith(`${by}=`));
    return (row) => label(row)?.slice("label:".length) ?? `no ${key}`;
  }
  return (row) => find(`[data-column="${by}"]`, row).textContent;
}

function group(name, members) {
  const body = all("#node-table tbody").find(({ dataset }) => dataset.group === name) ?? stamp("group-template");
  body.dataset.group = name;
  set(find(".name", body), name);
  set(find(".dim", body), members.length === 1 ? "1 node" : `${members.length} nodes`);
  find("input", body).ariaLabel = `Choose the nodes of ${name}`;
  body.hidden = members.every((row) => row.hidden);
  place(body, [body.rows[0], ...members]);
  return body;
}

// place moves nothing that is in its place: rows keep the focus and the selection.
function place(parent, children) {
  const same = parent.childElementCount === children.length && children.every((child, i) => parent.children[i] === child);
  if (!same) parent.replaceChildren(...children);
}

/** sortBy sets the order to the column of a button; again, in reverse; again, to that of the cards. arrange follows. */
export function sortBy(button) {
  const { column } = button.closest("th").dataset;
  setParams({ sort: { [column]: `-${column}`, [`-${column}`]: "" }[param("sort")] ?? column });
}

/** step moves the focus from the row of an element to the next or the one before. It reports whether it did. */
export function step(element, by) {
  const list = all("#node-table .row-go").filter((button) => button.checkVisibility());
  const next = list[list.indexOf(element.closest("tr[data-node]")?.querySelector(".row-go")) + by];
  if (!element.closest("tr[data-node]") || !next) return false;
  next.focus();
  return true;
}

// --- the chosen rows ---

const chooses = (row) => find("input", row).checked;

/** isChosen is whether a card's node is chosen. */
export const isChosen = ({ id }) => chooses(document.getElementById(`row-${id}`));

/** choose chooses all visible rows among some, or none. */
export function choose(on, among = rows()) {
  for (const row of among) find("input", row).checked = on;
  showChosen();
}

// showChosen forgets the rows that are hidden: what happens to the chosen ones concerns only what is seen.
function showChosen() {
  for (const row of rows()) if (row.hidden) find("input", row).checked = false;
  for (const box of all("#node-table [data-pick]")) {
    const members = rowsOf(box).filter((row) => !row.hidden);
    const of = members.filter(chooses).length;
    box.checked = of > 0 && of === members.length;
    box.indeterminate = of > 0 && of < members.length;
  }
  const bar = find("#bulk");
  const names = rows().filter(chooses).map(({ dataset }) => dataset.short);
  bar.hidden = !names.length || !isTable();
  const what = names.length === 1 ? names[0] : `${names.length} nodes`;
  set(find("[data-chosen]", bar), `${names.length} chosen`);
  set(find("#run [data-run-on]"), what);
  const rest = names.length > named ? `, and ${names.length - named} more` : "";
  find("[data-action=bulk-enlarge]", bar).disabled = names.length > maxLarge;
  for (const button of all("[data-bulk]", bar)) {
    button.dataset.askTitle = `${button.dataset.bulk} ${what}?`;
    button.setAttribute("hx-confirm", `${names.slice(0, named).join(", ")}${rest}.`);
  }
}

const rowsOf = (box) => (box.dataset.pick === "all" ? rows() : all("tr[data-node]", box.closest("tbody")));

document.addEventListener("change", ({ target }) => {
  if (target.matches("#node-table [data-pick]")) choose(target.checked, rowsOf(target));
  else if (target.matches("#node-table [name=nodes]")) showChosen();
});
