// The console's page: keeps its content in sync with the stream, and handles mouse and keyboard.

import { param, setParams } from "./address.js";
import { showAttention } from "./attention.js";
import { newBroadcast } from "./broadcast.js";
import { addLines, allCards, cardOf, expectShell, keyOf, lacksTab, syncCards } from "./cards.js";
import "./commands.js";
import { all, find, remember, remembered, sentence } from "./dom.js";
import { follow, showLink } from "./link.js";
import { newDock } from "./log.js";
import { entry, openMenu } from "./menu.js";
import { notice } from "./notices.js";
import { myName } from "./presence.js";
import { install, subscribe } from "./push.js";
import { atLeast } from "./role.js";
import { runHandedOver } from "./runin.js";
import { shellActions } from "./shells.js";
import { fillStats, showStats } from "./sparks.js";
import { Stream, newViewer } from "./stream.js";
import { arrange, choose, isChosen, isTable, maxLarge, rows, sortBy, step } from "./table.js";

const viewer = newViewer();
const watch = new URLSearchParams(location.search).has("watch") || !atLeast("operator"); // this page types into no shell
const stream = new Stream({ viewer, name: myName(), watch, want: "nodes", onState: showLink });
const broadcast = newBroadcast(watch);
const dock = newDock(find("#fleet-log"), find("#log-toggle"), () => stream.wantLog());

// reconcile updates everything after a change of #nodes.
function reconcile() {
  syncCards({ stream, viewer });
  allowSpawn();
  fillStats();
  showAttention();
  document.body.toggleAttribute("data-many", allCards().length > 5);
  filter();
  followAddress();
  showKeys();
  if (complete) arrived();
}

// allowSpawn updates the buttons in the header and its menu: whether nodes can be spawned now, and why not.
function allowSpawn() {
  const { canSpawn, spawnHint } = find("#fleet").dataset;
  for (const spawn of all("#spawn, #menu :is([data-action=spawn], [commandfor=spawn-many])")) {
    spawn.title = spawnHint;
    if (!spawn.classList.contains("htmx-request")) spawn.disabled = canSpawn === undefined;
  }
}

// swapNodes morphs a list from the stream into the page. A console that has just started does not know its cluster: for
// a while after the stream is back, a list that lacks shown shells waits for changes that add them.
const maxWait = 15_000; // ms
let waitUntil = 0;
const held = { texts: [], timer: 0 };
let complete = false; // the page has had a list from the stream
function swapNodes(html) {
  held.texts = [];
  swapChanges(html);
}

// swapChanges applies partials: what differs from the list before.
function swapChanges(html) {
  complete = true;
  clearTimeout(held.timer);
  held.texts.push(html);
  const wait = waitUntil - performance.now();
  if (wait > 0 && lacksTab(held.texts.join())) held.timer = setTimeout(swapHeld, wait);
  else swapHeld();
}

function swapHeld() {
  clearTimeout(held.timer);
  waitUntil = 0;
  for (const text of held.texts.splice(0)) {
    if (!text.trim()) reconcile(); // the page is up to date
    else window.htmx.swap({ sourceElement: document.body, target: "#nodes", swap: "outerMorph", text });
  }
}

document.addEventListener("htmx:config:request", ({ detail: { ctx: { request } } }) => {
  if (request.method !== "GET") request.body.set("viewer", viewer); // the server asks if others view a shell that ends
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => ctx.sourceElement.matches("[data-menu-filter]") || reconcile());
document.addEventListener("htmx:after:request", (event) => {
  const { response, sourceElement } = event.detail.ctx;
  const made = response?.headers.get("X-Convoy-Node")?.split(",") ?? [];
  for (const name of made) expectShell(name, made.length === 1);
  const [node, shell] = response?.headers.get("X-Convoy-Shell")?.split("/") ?? [];
  if (shell) allCards().find((card) => card?.name === node)?.expect(shell);
  sourceElement?.closest("#connect, #spawn-many")?.close();
  if (sourceElement?.id === "spawn") setTimeout(allowSpawn); // after htmx has enabled it
});
// A run of a command ends with its dialog.
find("#run").addEventListener("close", () => { if (find("#run-poll[hx-get]")) find("#run-stop").click(); });

// --- filter ---

function filter() {
  const words = find("#filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let matches = 0;
  const cards = allCards();
  for (const { id, element } of cards) {
    const { node, status, is, region = "", labels = "" } = element.dataset;
    const text = `${node} ${status} ${is} ${region} ${labels} ${find(".word", element).textContent}`.toLowerCase();
    // a card in use stays: what is:waiting has found waits no longer once it is answered
    element.hidden = !words.every((word) => text.includes(word)) && !element.contains(document.activeElement);
    const row = document.getElementById(`row-${id}`);
    if (row) row.hidden = element.hidden;
    if (!element.hidden) matches++;
  }
  arrange();
  for (const [i, card] of visible().entries()) card.key = i + 1;
  broadcast.sync();
  find("#no-match").hidden = matches > 0 || cards.length === 0;
  for (const tally of all(".tally")) tally.toggleAttribute("data-ui-on", words.length === 1 && words[0] === tally.dataset.value);
}

function setFilter(text) {
  find("#filter").value = text;
  setParams({ q: text });
  filter();
}

// toggle switches between two views; Back returns.
function toggle(name, value) {
  setParams({ [name]: param(name) === value ? "" : value }, true);
  filter();
}

const toggleFilter = (text) => setFilter(find("#filter").value === text ? "" : text);

// --- user actions ---

const actions = {
  ...shellActions,
  "open-shell": (button) => cardOf(button)?.open({ kind: button.dataset.kind }),
  "open-here": (button) => here()?.open({ kind: button.dataset.kind }),
  enlarge: (button) => enlarge(cardOf(button) ?? here()),
  "enlarge-next": enlargeNext,
  tool: ({ dataset }) => pressTool(here(), dataset.press),
  split: (button) => divide(cardOf(button) ?? here(), button.dataset.axis),
  unsplit: (button) => {
    cardOf(button).unite(button.closest(".pane"));
    showShell(cardOf(button));
  },
  "other-pane": () => toOther(here()),
  rename: (button) => cardOf(button).rename(),
  detach: (button) => cardOf(button).setDetached(true),
  reattach: (button) => cardOf(button).setDetached(false),
  tools: () => selected(here())?.tools.focus(),
  spawn: () => find("#spawn").click(),
  broadcast: () => broadcast.toggle(),
  "broadcast-all": () => broadcast.all(),
  "broadcast-none": () => broadcast.none(),
  "show-shell": (button) => cardOf(button).select(button.dataset.shell, true),
  "go-to-card": (button) => go(allCards().find((card) => card.id === button.dataset.card)),
  log: () => dock.toggle(),
  "to-filter": () => find("#filter").focus(),
  filter: (button) => toggleFilter(button.dataset.value),
  "clear-filter": () => setFilter(""),
  view: () => toggle("view", "table"),
  sort: (button) => {
    sortBy(button);
    filter();
  },
  "bulk-enlarge": () => fill(visible().filter((card) => isChosen(card)).slice(0, maxLarge)),
  "choose-none": () => choose(false),
  push: subscribe,
  "full-screen": toggleFullScreen,
};

// In full screen, keys that browsers keep for themselves go to the shell. Esc leaves it only when held.
async function toggleFullScreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  await document.documentElement.requestFullscreen();
  await navigator.keyboard?.lock(["KeyW", "KeyT", "KeyN", "Escape"]);
}

const large = () => allCards().filter((card) => card.large);

// enlarge fills the window with a card, or restores it.
function enlarge(card) {
  if (!card) return;
  fill(card.large ? large().filter((other) => other !== card) : [card]);
}

// enlargeNext shows the next card beside the enlarged ones.
function enlargeNext() {
  const list = visible();
  const now = large().length ? large() : [here()].filter(Boolean);
  const after = list.indexOf(now.at(-1)) + 1;
  const next = [...list.slice(after), ...list.slice(0, after)].find((card) => !now.includes(card));
  if (next && now.length < maxLarge) fill([...now, next]);
  next?.select(next.selected, true);
}

// fill fills the window with cards, side by side. The address names them, so that Back restores them too.
function fill(cards) {
  if (!cards.length && history.state?.enlarged) return history.back();
  const address = location.pathname + location.search + (cards.length ? `#${cards.map(placeOf).join("+")}` : "");
  if (cards.length && !large().length) history.pushState({ enlarged: true }, "", address);
  else history.replaceState(cards.length ? history.state : null, "", address);
  followAddress();
}

// placeOf is a card's part of the address, with the selected shell, so that the address can be passed on.
function placeOf(card) {
  const unique = allCards().filter(({ short }) => short === card.short).length === 1;
  const shell = card.shells.length > 1 || card.selected === "log" ? [card.selected] : [];
  return [unique ? card.short : card.name, ...shell].join("/");
}

// showShell names the selected shell in the address of an enlarged card.
function showShell(card) {
  if (card.large) history.replaceState(history.state, "", `#${large().map(placeOf).join("+")}`);
}

// places are the cards and shells that the address names: #NODE, #NODE/SHELL, or several of them with + in between.
function places() {
  const cards = allCards();
  return decodeURIComponent(location.hash.slice(1)).split("+").slice(0, maxLarge).filter(Boolean).map((place) => {
    const [name, shell] = place.split("/");
    return { name, shell, card: cards.find((card) => card.name === name) ?? cards.find((card) => card.short === name) };
  });
}

// followAddress enlarges the cards that the address names, and no others, and selects their shells once they are there.
let arriving = location.hash !== "";
function followAddress() {
  const named = places();
  const cards = allCards();
  const big = cards.filter((card) => named.some((place) => place.card === card));
  for (const card of cards) card.enlarge(big.indexOf(card), big.length);
  document.documentElement.toggleAttribute("data-large", big.length > 0);
  if (!arriving || !named.length || named.some(isMissing)) return;
  arriving = false;
  for (const { card, shell } of named.toReversed()) card.select(shell ?? card.selected, true);
}

const isMissing = ({ card, shell }) => !card || shell && !card.tabOf(shell);

// arrived is called when all nodes are known: what the address names is there, or not.
function arrived() {
  if (!arriving) return;
  arriving = false;
  for (const { card, name, shell } of places().filter(isMissing)) {
    notice("warn", card ? `Shell ${shell} is not there. It was closed.` : `Node ${name} is not there.`);
  }
}

addEventListener("popstate", () => {
  arriving = location.hash !== "";
  find("#filter").value = param("q");
  filter();
  followAddress();
});

// divide splits a card along an axis, or restores it.
function divide(card, axis) {
  if (!card) return;
  if (isTable() && !card.large) enlarge(card);
  card.divide(axis ?? (card.split.axis || "beside"));
  showShell(card);
}

// pressTool presses a button of the shell that a card shows.
function pressTool(card, name) {
  const pane = selected(card) && card.panes.get(card.selected);
  if (pane) find(`[data-action="${name}"], [data-tool^="${name}"]`, pane)?.click();
  else notice("info", "No shell is in focus.", "Go to one first.");
}

// toOther moves the focus to the other pane of a split card.
function toOther(card) {
  if (card?.other) card.select(card.other, true);
}

document.addEventListener("focusin", ({ target }) => { if (cardOf(target)?.enter(target)) showShell(cardOf(target)); });

// selected is a card's visible terminal, if any.
const selected = (card) => card?.panes.get(card.selected)?.pane;

// go shows a node and focuses its shell: one that waits before the others. In the table, and in the place of an enlarged
// card, it is enlarged.
function go(card) {
  if (!card) return;
  if ((isTable() || large().length) && !card.large) enlarge(card);
  const waits = find("[role=tab][data-is=waiting]", card.element);
  if (waits) card.selected = keyOf(waits);
  card.element.scrollIntoView({ block: "nearest" });
  card.seen = true;
  card.show(true);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-action], [role=tab], .tag, .pane[data-kind=shell]");
  if (!target) return;
  if (target.dataset.action) return actions[target.dataset.action]?.(target);
  if (target.matches("[role=tab]")) {
    cardOf(target).select(keyOf(target), !target.dataset.pane);
    return showShell(cardOf(target));
  }
  if (target.matches(".tag")) return go(allCards().find((card) => card.short === target.textContent));
  if (!target.contains(document.activeElement) && getSelection().isCollapsed && !event.target.closest("button, a")) target.pane?.focus();
});

document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-group-by]")) return;
  setParams({ group: target.value }, true);
  filter();
});
find("#filter").addEventListener("input", ({ target }) => setFilter(target.value));
find("[data-filter-form]").addEventListener("submit", (event) => {
  event.preventDefault();
  if (visible().length === 1) go(visible()[0]);
});

const singleKeys = find("[data-single-keys]");
singleKeys.checked = remembered("convoy.keys") !== "off";
singleKeys.addEventListener("change", () => {
  remember("convoy.keys", singleKeys.checked ? "on" : "off");
  showKeys();
});

// showKeys shows the numbers that go to nodes, if there are several.
function showKeys() {
  document.documentElement.toggleAttribute("data-keyless", !singleKeys.checked || allCards().length < 2);
}

// visible are the cards that the filter shows, in the order of the page.
function visible() {
  const list = allCards().filter((card) => !card.element.hidden);
  if (!isTable()) return list;
  const order = rows().map(({ id }) => id);
  return list.sort((a, b) => order.indexOf(`row-${a.id}`) - order.indexOf(`row-${b.id}`));
}
const here = () => cardOf(document.activeElement) ?? visible().find((card) => card.large) ?? visible()[0];

document.addEventListener("dblclick", ({ target }) => {
  const tab = target.closest("[role=tab][data-shell]");
  if (tab) cardOf(tab).rename(keyOf(tab));
});

// chord is what a key with Ctrl or ⌘ does. In a shell, Ctrl+K is the program's; with Shift it opens the menu there too.
function chord({ target, key, shiftKey }) {
  const shell = target.closest?.(".xterm");
  const name = key.toLowerCase();
  if (name === "k" && (!shell || shiftKey)) return openMenu;
  return name === "o" && shiftKey && shell && cardOf(shell)?.other && (() => toOther(cardOf(shell)));
}

// This is before the terminal sees the key.
addEventListener("keydown", (event) => {
  const { ctrlKey, metaKey, altKey } = event;
  const act = (ctrlKey || metaKey) && !altKey && !find("dialog[open]") && chord(event);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}, true);

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || find("dialog[open]")) return;
  if (target.matches("[role=tab]") && tabKey(target, key)) return event.preventDefault();
  const by = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (by && step(target, by)) return event.preventDefault();
  if (key === "Escape" && !event.defaultPrevented) return onEscape(target);
  if (!singleKeys.checked || target.matches("input:not([type=checkbox]), textarea, select")) return;
  const number = /^[1-9]$/.test(key);
  const item = entry(key);
  if (!number && !item || event.repeat && key !== "/") return;
  event.preventDefault();
  if (number) go(visible()[key - 1]);
  else press(item);
});

// press presses an entry of the menu, or explains why it cannot be pressed.
function press(item) {
  if (item.disabled && item.title) notice("warn", item.title);
  item.click();
}

function onEscape(target) {
  if (target.matches("textarea")) return; // a shell's
  if (target === find("#filter")) {
    setFilter("");
    target.blur();
    return;
  }
  if (find(":popover-open")) return; // the key closes it
  if (broadcast.on) return broadcast.stop();
  if (large().length) fill([]);
}

// tabKey moves between tabs as in the ARIA pattern for tab lists.
function tabKey(tab, key) {
  const card = cardOf(tab);
  const { tabs } = card;
  const at = tabs.indexOf(tab);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[key];
  if (key === "Delete" && tab.dataset.shell) find(".close", tab.parentElement).click();
  else if (key === "F2" && tab.dataset.shell) card.rename(tab.dataset.shell);
  else if (to === undefined) return false;
  else {
    const next = tabs.at(to % tabs.length);
    card.select(keyOf(next), false);
    next.focus();
    showShell(card);
  }
  return true;
}

// Requests of the panes.
document.addEventListener("shell-leave", ({ target }) => {
  document.getElementById(target.getAttribute("aria-labelledby"))?.focus();
});
document.addEventListener("shell-ended", () => lacksTab(held.texts.join()) || swapHeld());
document.addEventListener("shell-trouble", ({ target, detail }) => {
  notice("warn", sentence(detail.text), broadcast.on ? `The shell is on ${cardOf(target).short}.` : "");
});
document.addEventListener("shell-note", ({ detail }) => notice(detail.level, detail.text, detail.hint));
document.addEventListener("convoy:theme", () => {
  for (const card of allCards()) for (const pane of card.panes.values()) pane.pane?.refreshTheme();
});

// --- stream events ---

let opened = 0; // streams so far
follow(stream);
stream.on("hello", () => { if (opened++) waitUntil = performance.now() + maxWait; });
stream.on("nodes", swapNodes);
stream.on("changes", swapChanges);
stream.on("down", () => clearTimeout(held.timer));
stream.on("stats", (list) => {
  showStats(list);
  if (isTable() && /cpu|memory/.test(param("sort"))) filter();
});
stream.on("notice", ({ level, text, hint }) => notice(level, text, hint));
stream.on("log", ({ node, html }) => {
  dock.view.append(html);
  addLines(node, html);
});

find("#filter").value = param("q");
reconcile();
runHandedOver();
install();
