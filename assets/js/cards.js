// Cards: which of a node's tabs is selected, and the panes below the tabs.
//
// The server knows nodes and shells. The page alone knows which tab is selected, which panes exist, and which card is
// enlarged: that state is kept here and restored after each morph.

import { command } from "./commands.js";
import { detached } from "./detached.js";
import { askText } from "./dialog.js";
import { all, find, stamp } from "./dom.js";
import { root } from "./key.js";
import { newLogView } from "./log.js";
import { atLeast } from "./role.js";
import { ShellPane, roomIn } from "./shell.js";
import { Split, onWide } from "./split.js";
import { shellPath } from "./stream.js";

const cards = new Map(); // element id → Card
const spawned = new Map(); // nodes spawned by this page, without a shell yet → whether it gets the focus
const logs = new Map(); // node name → HTML of its last batches of lines
const keptBatches = 80;

// syncCards follows a morph of #nodes. link is {stream, viewer}, for new panes.
export function syncCards(link) {
  const elements = all("#nodes .node");
  const first = cards.size === 0;
  for (const element of elements) {
    if (cards.has(element.id)) continue;
    element.toggleAttribute("data-ui-new", !first);
    cards.set(element.id, new Card(element, link));
  }
  const present = new Set(elements.map((element) => element.id));
  for (const [id, card] of cards) {
    if (present.has(id)) continue;
    card.dispose();
    cards.delete(id);
  }
  for (const card of cards.values()) card.sync();
  attend(document.hasFocus() ? document.activeElement : null); // the one before may be gone
}

// attend marks the card that has the focus in its panes: a :has(:focus) rule would slow down whatever a terminal draws.
function attend(focused) {
  const card = focused?.closest(".panes") && cardOf(focused);
  for (const one of cards.values()) one.element?.toggleAttribute("data-ui-typing", one === card);
}

document.addEventListener("focusin", ({ target }) => attend(target));
document.addEventListener("focusout", ({ relatedTarget }) => attend(relatedTarget));

// allCards lists the cards in their order.
export const allCards = () => all("#nodes .node").map((element) => cards.get(element.id));

// lacksTab reports whether a list of nodes, with changes to it, has no tab for a running shell that is shown here.
export function lacksTab(html) {
  const has = (key) => html.includes(` data-shell="${key}"`);
  return allCards().some((card) => [...card.panes].some(([key, { pane }]) => pane && !pane.ended && !has(key)));
}

// expectShell records that this page spawned a node: its shell opens automatically once the node is alive, and gets the
// focus if the user wants that. It may already be alive: under load, the stream overtakes the response to the click.
export function expectShell(name, focus) {
  spawned.set(name, focus);
  allCards().find((card) => card?.name === name)?.openByItself();
}

// addLines shows a batch of a node's log in its card, now or when the log is opened.
export function addLines(node, html) {
  logs.set(node, [...(logs.get(node) ?? []), html].slice(-keptBatches));
  for (const card of cards.values()) {
    if (card.name === node) card.panes.get("log")?.view.append(html);
  }
}

// Card is the page's state of one node.
class Card {
  #selected = "";
  #before = ""; // the tab that was selected before

  constructor(element, link) {
    this.id = element.id;
    this.link = link;
    this.name = element.dataset.node;
    this.short = element.dataset.short;
    this.names = [this.name, this.name.replace(/^.*@/, ""), this.short]; // which its outputs may contain
    this.panes = new Map(); // shell id or "log" → element
    this.split = new Split(this.name);
    this.wanted = null; // {id, focus, from} of a new shell without a tab
    this.from = null; // what had the focus when the last shell was asked for
    this.opened = ""; // the last shell that this page opened here
    this.seen = false; // it has been near the window
    this.focusNew = true; // the next shell that opens here gets the focus
    visibility.observe(element);
    sizes.observe(element);
  }

  get element() { return document.getElementById(this.id); }
  get alive() { return this.element.dataset.status === "alive"; }
  get tabs() { return all("[role=tab]", this.element); }
  get shells() { return this.tabs.filter((tab) => tab.dataset.shell); }

  // selected is a shell's id, "log", or "": nothing yet. In a split card, it is the tab of one of the two panes.
  get selected() { return this.#selected; }
  set selected(key) {
    if (key === this.#selected) return;
    this.split.put(key, this.#selected);
    this.#before = this.#selected;
    this.#selected = key;
  }

  // shown are the keys of the panes in sight: one, or two of a split card.
  get shown() {
    const { on, keys } = this.split;
    const all = on && keys.includes(this.selected) && keys.every((key) => !key || this.tabOf(key));
    return all ? keys : [this.selected];
  }

  // sync follows a morph, which may have changed the tabs.
  sync() {
    const keys = this.tabs.map(keyOf);
    for (const [key, pane] of this.panes) {
      if (!keys.includes(key)) this.lose(key, pane);
      else if (pane.pane) pane.pane.title = this.tabOf(key).dataset.title;
    }
    let focus = false;
    if (this.wanted && keys.includes(this.wanted.id)) {
      const { id, from } = this.wanted;
      const at = document.activeElement;
      const elsewhere = at !== from && typing(); // the user has begun to type there
      const hides = !this.split.keys.includes("") && this.panes.get(this.selected)?.contains(at);
      if (!elsewhere || !hides) this.selected = id;
      focus = this.wanted.focus && !elsewhere;
      this.wanted = null;
    }
    if (!keys.includes(this.selected)) {
      const next = this.shells.find((tab) => "running" in tab.dataset) ?? this.shells[0];
      this.selected = this.split.keys.find((key) => keys.includes(key)) ?? (next ? keyOf(next) : "");
    }
    if (this.split.keys.includes("") && !this.opening && !this.wanted) this.split.clear(); // the shell did not open
    this.show(focus);
    this.openByItself();
  }

  // openByItself opens an expected shell: on the node that serves the page, and on nodes spawned here.
  openByItself() {
    const greet = this.alive && !this.greeted && "self" in this.element.dataset;
    this.greeted ||= this.alive;
    if (!this.alive || this.shells.length || this.wanted || this.opening) return;
    const mine = spawned.get(this.name);
    if (spawned.delete(this.name) || greet) this.open({ first: true, focus: !!mine && !typing() });
  }

  // rename asks for a title of a shell; its tab shows it with the next list of nodes. An empty one is again that of the
  // program.
  async rename(key = this.selected) {
    const { right, title } = this.tabOf(key).dataset;
    const answer = atLeast(right) ? await askText("rename-template", title) : null;
    if (answer !== null) command("POST", `${shellPath(this.name, key)}/title`, { title: answer });
  }

  select(key, focus) {
    this.selected = key;
    this.seen = true;
    this.show(focus);
  }

  // show marks the selected tab and shows its pane, creating it if needed.
  show(focus = false) {
    const holder = find(".panes", this.element);
    find(".pane-blank", holder)?.remove();
    const { shown } = this;
    for (const key of shown) if (key && this.seen && !this.panes.has(key)) this.make(key, holder);
    find(".tabs", this.element).ariaMultiSelectable = shown.length > 1 ? "true" : null;
    for (const tab of this.tabs) {
      tab.setAttribute("aria-selected", String(shown.includes(keyOf(tab))));
      tab.tabIndex = keyOf(tab) === this.selected || (!this.selected && tab.dataset.pane) ? 0 : -1;
      const pane = this.panes.get(keyOf(tab));
      if (pane) tab.setAttribute("aria-controls", pane.id);
      if (pane?.pane) showLinks(pane, Number(tab.dataset.links ?? 0));
    }
    this.reveal();
    for (const button of all(".record", this.element)) button.hidden = button.dataset.of !== this.selected;
    if (shown.includes("") && (this.opening || this.wanted)) holder.append(stamp("blank-template"));
    for (const [key, pane] of this.panes) pane.hidden = !shown.includes(key);
    this.split.lay(holder, shown.map((key) => this.panes.get(key)));
    find("[data-action=split]", this.element).ariaPressed = String(shown.length > 1);
    this.element.toggleAttribute("data-ui-panes", holder.childElementCount > 0);
    this.element.dispatchEvent(new Event("card-shown", { bubbles: true }));
    if (focus) this.focus();
  }

  // reveal scrolls the selected tab into view, within its list. The last tab, of the log, stays in sight: it covers others.
  reveal() {
    const tab = this.selectedTab?.parentElement;
    const list = find(".tabs", this.element);
    if (!tab || tab === list || this.revealed === tab) return;
    this.revealed = tab;
    const [{ left, right }, box] = [tab, list].map((element) => element.getBoundingClientRect());
    const end = list.lastElementChild.getBoundingClientRect().left;
    if (left < box.left) list.scrollLeft -= box.left - left;
    else if (right > end) list.scrollLeft += right - end;
  }

  tabOf(key) { return this.tabs.find((tab) => keyOf(tab) === key); }

  make(key, holder) {
    const tab = this.tabOf(key);
    const pane = holder.appendChild(stamp(key === "log" ? "log-template" : "shell-template"));
    pane.id = `pane-${tab.id}`;
    pane.setAttribute("aria-labelledby", tab.id);
    this.panes.set(key, pane);
    if (key === "log") {
      this.link.stream.wantLog();
      pane.view = newLogView(pane);
      for (const html of logs.get(this.name) ?? []) pane.view.append(html);
      find(".first-screen", holder)?.remove();
    } else {
      const first = find(".first-screen", holder); // covers the terminal until that has content
      if (this.shown.length > 1) first?.remove();
      pane.addEventListener("shell-drawn", () => first?.remove(), { once: true });
      const { title, kind, right } = tab.dataset;
      const is = { detached: this.isDetached(key), files: kind !== "convoy", watches: !atLeast(right) };
      new ShellPane({ element: pane, node: this.name, shell: key, ...this.link, title, ...is });
      address(pane, shellPath(this.name, key));
    }
  }

  isDetached(key) { return detached.has(`${this.name}/${key}`); }

  // setDetached stops following a shell, which continues, or follows it again.
  setDetached(on, key = this.selected) {
    detached.set(`${this.name}/${key}`, on);
    const pane = this.panes.get(key);
    const hadFocus = pane?.contains(document.activeElement);
    if (on) pane?.pane.detach();
    else pane?.pane.reattach();
    if (hadFocus) pane.pane.focus();
  }

  // divide shows another tab beside the selected one, or below it: the one that was selected before, another shell, or a
  // new one. The same axis again shows only the selected tab.
  divide(axis) {
    if (!this.split.possible) return;
    if (!this.selected) return this.open();
    if (this.shown.length > 1) return axis === this.split.axis ? this.unite() : this.turn(axis);
    const others = this.shells.filter((tab) => "running" in tab.dataset).map(keyOf).filter((key) => key !== this.selected);
    const opens = this.alive && atLeast("operator");
    const other = others.find((key) => key === this.#before) ?? others[0] ?? (opens ? "" : "log");
    if (other === this.selected) return;
    this.split.set({ axis, keys: [this.selected, other] });
    if (other) this.select(other, true);
    else this.open();
  }

  turn(axis) {
    this.split.set({ axis });
    this.show();
  }

  // unite closes a pane, or the one that is not selected. Its shell stays in its tab.
  unite(pane) {
    if (pane && pane === this.panes.get(this.selected)) this.#selected = this.other;
    this.split.clear();
    this.show(true);
  }

  // other is the tab of the other pane of a split card; undefined: it is not split.
  get other() { return this.shown.length > 1 ? this.shown.find((key) => key !== this.selected) : undefined; }

  // enter follows the focus into the other pane. It reports whether that changed the selected tab.
  enter(element) {
    const key = this.other;
    if (!key || !this.panes.get(key)?.contains(element)) return false;
    this.select(key, false);
    return true;
  }

  // lose follows the end of a tab: a split card shows the other one.
  lose(key, pane) {
    const { keys } = this.split;
    if (keys.includes(key)) {
      if (key === this.selected) this.#selected = keys.find((one) => one !== key);
      this.split.clear();
    }
    this.drop(key, pane);
  }

  drop(key, pane) {
    pane.pane?.dispose();
    pane.remove();
    this.panes.delete(key);
  }

  focus() {
    const pane = this.panes.get(this.selected);
    if (pane?.pane) pane.pane.focus();
    else (find("[data-log-lines]", pane ?? this.element) ?? find("[data-action=open-shell]", this.element))?.focus();
  }

  // open opens a shell, and resolves to its id, or to "" if there is none. Its tab comes with the next list of nodes.
  async open({ first = false, focus = true, kind = "" } = {}) {
    if (this.opening || !atLeast("operator")) return "";
    this.opening = true;
    this.opened = "";
    this.show();
    this.element.toggleAttribute("data-ui-panes", true); // the room is that of a card with a pane
    this.focusNew = focus;
    this.from = document.activeElement;
    await command("POST", `${root}/nodes/${this.name}/shells`, { ...roomIn(find(".panes", this.element)), first: first ? 1 : "", kind });
    this.opening = false;
    this.focusNew = true;
    this.from = null;
    if (this.element) this.sync();
    return this.opened;
  }

  // expect shows a shell that this page opened once its tab comes.
  expect(id) {
    this.opened = id;
    this.wanted = { id, focus: this.focusNew && !find("dialog[open]"), from: this.from };
    this.seen ||= this.focusNew;
    this.sync();
  }

  get selectedTab() { return this.tabOf(this.selected); }

  get large() { return this.element.hasAttribute("data-ui-large"); }

  // enlarge makes it one of so many cards that fill the window side by side, or none of them.
  enlarge(at, of) {
    const large = at >= 0;
    if (large) this.element.dataset.uiLarge = of;
    else delete this.element.dataset.uiLarge;
    this.element.toggleAttribute("data-ui-last", large && at === of - 1);
    this.element.style.setProperty("--at", at);
    this.element.style.setProperty("--of", of);
    const button = find("[data-action=enlarge]", this.element);
    button.ariaPressed = String(large);
    button.title = large ? "Restore" : "Enlarge";
  }

  // key is the number that goes to this card, on it and its row; from 10 on, there is none.
  set key(number) {
    for (const of of [this.element, document.getElementById(`row-${this.id}`)]) {
      const name = find(".name", of ?? this.element);
      name.toggleAttribute("data-ui-key", number < 10);
      if (number < 10) name.dataset.uiKey = number;
    }
  }

  dispose() {
    for (const [key, pane] of this.panes) this.drop(key, pane);
  }
}

// keyOf is a tab's shell id, or "log".
export const keyOf = (tab) => tab.dataset.shell ?? tab.dataset.pane;

// address completes the addresses of a pane's commands, which are those below its shell's.
function address(pane, path) {
  for (const name of ["hx-get", "hx-post", "hx-delete", "href"]) {
    for (const element of all(`[${name}]:not(use)`, pane)) {
      element.setAttribute(name, [path, element.getAttribute(name)].filter(Boolean).join("/"));
    }
  }
  window.htmx.process(pane);
}

// showLinks shows on a pane's tool how many links open its shell.
function showLinks(pane, links) {
  const button = find("[data-tool=share]", pane);
  button.title = button.ariaLabel = links ? `Share: ${links} ${links === 1 ? "link opens" : "links open"} this shell` : "Share";
  button.toggleAttribute("data-count", links > 0);
  if (links) button.dataset.count = links;
}

// cardOf is the card that contains an element.
export const cardOf = (element) => cards.get(element?.closest?.(".node")?.id);
const typing = () => document.activeElement?.matches("input, textarea, select") || !!find("dialog[open]");

onWide(() => { for (const card of cards.values()) card.show(); });

// Cards create their panes when they come near the window.
const visibility = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const card = cards.get(entry.target.id);
    if (!entry.isIntersecting || !card || card.seen) continue;
    card.seen = true;
    if (card.element) card.show();
  }
}, { rootMargin: "400px" });

// A narrower card shows fewer tabs.
const sizes = new ResizeObserver((entries) => {
  for (const card of entries.map(({ target }) => cards.get(target.id))) {
    if (!card?.element) continue;
    card.revealed = null;
    card.reveal();
  }
});
