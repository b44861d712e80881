// A code block from the guide or a runbook, handed over to run in a shell of a node (code.js): the console finds or
// opens that shell, and types the block into it.

import { allCards, keyOf } from "./cards.js";
import { copied } from "./commands.js";
import { find, remember, remembered, stamp, thisTab } from "./dom.js";
import { call, root } from "./key.js";
import { notice } from "./notices.js";

const storageKey = "convoy-run"; // in this tab's storage
const checkEvery = 50; // ms between two checks
const timeouts = { node: 15_000, shell: 15_000, quiet: 5000 }; // ms
const quietTime = 250; // ms without output, after which a shell is ready for input

const names = { convoy: "Convoy shell", system: "system shell" };

/** runHandedOver runs what was handed over to this page, once. */
export async function runHandedOver() {
  const run = take();
  if (!run) return;
  const short = run.node.replace(/^.*@/, "").replace(/\..*$/, "");
  const card = await until(() => allCards().find((one) => one?.name === run.node && one.alive), timeouts.node);
  if (!card) return refuse(run, `${short} can no longer be reached.`);
  card.element.scrollIntoView({ block: "nearest" });
  const pane = await shellOf(card, run.kind);
  if (!pane) return refuse(run, `There is no ${names[run.kind]} on ${short} to run it in.`);
  await prompted(pane, run.kind);
  if (!pane.takes) return refuse(run, `You cannot type into the shell on ${short}.`);
  pane.focus();
  const block = run.kind === "convoy" && run.text.includes("\n"); // an empty line ends it
  pane.paste.put(block ? `${run.text}\n` : run.text);
  pane.paste.enter();
}

// take returns what was handed over and deletes it: a reload does not run it again.
function take() {
  const run = remembered(storageKey, thisTab);
  remember(storageKey, null, thisTab);
  return JSON.parse(run);
}

// refuse explains why the block did not run, and keeps it for the user.
function refuse({ text }, why) {
  const element = notice("error", why, "The block did not run. You can copy it from here.");
  const copy = stamp("copy-template");
  copy.addEventListener("click", async () => { if (await copied(text)) copy.textContent = "Copied"; });
  find(".notice-hint", element).after(copy);
}

// shellOf shows a free or new shell of that kind in a card, and resolves to its pane.
async function shellOf(card, kind) {
  await until(() => !card.opening && !card.wanted, timeouts.shell); // one opens automatically
  const busy = await busyShells(card.name);
  const tab = card.shells.find((one) => "running" in one.dataset && (one.dataset.kind || "system") === kind && !card.isDetached(keyOf(one)) && !busy.has(keyOf(one)));
  const id = tab ? keyOf(tab) : await opened(card, kind);
  if (!id) return null;
  card.select(id, true);
  return until(() => card.panes.get(id)?.pane, timeouts.shell);
}

// opened opens a shell, waits for its tab, and resolves to its id: the user may have gone to another one.
async function opened(card, kind) {
  const id = await card.open({ kind });
  return id && await until(() => card.element && !card.wanted && card.tabOf(id), timeouts.shell) && id;
}

// busyShells are those that run a program, such as an editor, which would receive the input.
async function busyShells(node) {
  try {
    const answer = await call(`${root}/nodes/${node}/shells`);
    return new Set((await answer.json()).filter(({ busy }) => busy).map(({ id }) => id));
  } catch {
    return new Set(); // unknown shells count as free
  }
}

// prompted waits until a shell has been quiet for a while and waits for a line. A Convoy shell is recognized by its
// prompt.
function prompted(pane, kind) {
  let [seen, since] = [-1, 0];
  return until(() => {
    const now = performance.now();
    if (pane.drawn !== seen || pane.undrawn) [seen, since] = [pane.drawn, now];
    const ready = pane.drawn > 0 && (kind !== "convoy" || /\(\d+\)>$/.test(pane.text().trimEnd()));
    return ready && now - since >= quietTime;
  }, timeouts.quiet);
}

// until polls met(), and resolves to its result, or to nothing after ms.
async function until(met, ms) {
  for (const end = performance.now() + ms; performance.now() < end;) {
    const got = met();
    if (got) return got;
    await new Promise((resolve) => setTimeout(resolve, checkEvery));
  }
  return null;
}
