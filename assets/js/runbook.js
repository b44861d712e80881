// The page of a runbook: its steps run on the chosen nodes, individually or all in order.

import { textOf } from "./code.js";
import { all, find, set, stamp } from "./dom.js";
import { Kept } from "./kept.js";
import { reachable } from "./nodes.js";
import { Results } from "./results.js";
import { runOn } from "./runner.js";

const refreshEvery = 5000; // ms between two checks of the reachable nodes

const kept = new Kept(find(".runbook").dataset.runbook);
const chips = find("#run-nodes");
const where = find(".run-where");
const choice = new Map(); // node name → whether it is chosen; includes nodes that are gone
let running = null; // {step, stop} of the running step

const steps = all("figure.code[data-kind]").map((figure) => {
  const step = { number: Number(figure.dataset.step), kind: figure.dataset.kind, text: textOf(figure), figure };
  step.item = find(`.run-list [data-step="${step.number}"]`);
  step.button = stamp("step-run-template");
  step.results = new Results(step);
  find(".code-what", figure).textContent = `Step ${step.number} · ${find(".code-what", figure).textContent}`;
  find(".code-acts", figure).append(step.button);
  label(step);
  return step;
});

// recall shows a step's results from before a reload.
function recall(step) {
  const before = kept.of(step);
  if (!before) return;
  step.results.finished(before.results, before.at, true);
  mark(step, verdict(before.results));
}

// --- nodes ---

const boxes = () => all("input", chips);
const chosen = () => boxes().filter(({ checked }) => checked).map(({ value, dataset }) => ({ name: value, short: dataset.short }));

// refresh updates the reachable nodes. A new one is chosen if all others are.
async function refresh() {
  let nodes;
  try {
    nodes = await reachable();
  } catch {
    return; // the next check may succeed
  }
  for (const { value, checked } of boxes()) choice.set(value, checked);
  const whole = boxes().every(({ checked }) => checked);
  for (const box of boxes()) if (!nodes.some(({ name }) => name === box.value)) box.parentElement.remove();
  let before = null; // the chip before the next one
  for (const node of nodes) {
    const box = boxes().find(({ value }) => value === node.name);
    const chip = box?.parentElement ?? newChip(node, choice.get(node.name) ?? whole);
    if (!box) (before ? before.after(chip) : chips.prepend(chip));
    before = chip;
  }
}

function newChip({ name, short, self }, checked) {
  const chip = stamp("chip-template");
  const box = find("input", chip);
  Object.assign(box, { value: name, checked });
  box.dataset.short = short;
  find("span", chip).textContent = self ? `${short}, this node` : short;
  return chip;
}

// --- running ---

const verdict = (results) => (results.every(({ ok }) => ok) ? "ok" : results.some(({ badge }) => badge === "stopped") ? "stopped" : "failed");
const words = { running: "runs", ok: "done", failed: "failed", stopped: "stopped" };
const symbols = { ok: "✓", failed: "✕", stopped: "–" };
const count = (n) => (n === 1 ? "1 node" : `${n} nodes`);

function mark(step, state) {
  step.item.dataset.state = step.figure.dataset.state = state;
  set(find(".run-mark", step.item), symbols[state] ?? String(step.number));
  set(find("[data-state-word]", step.item), `, ${words[state]}`);
}

// run runs one step, and resolves to its result.
async function run(step, nodes) {
  const stop = new AbortController();
  running = { step, stop };
  mark(step, "running");
  buttons();
  const results = await runOn(step, nodes, stop.signal, step.results.running(nodes));
  running = null;
  results.sort((a, b) => nodes.findIndex(({ name }) => name === a.node) - nodes.findIndex(({ name }) => name === b.node));
  const [at, state] = [Date.now(), verdict(results)];
  step.results.finished(results, at);
  kept.put(step, at, results);
  mark(step, state);
  buttons();
  const failed = results.filter(({ ok }) => !ok);
  announce(state === "ok" ? `Step ${step.number} finished on ${count(nodes.length)}.` : `Step ${step.number} ${words[state]} on ${failed.length} of ${count(nodes.length)}.`);
  return { state, failed };
}

// runFrom runs all steps from one on, until one fails.
async function runFrom(first) {
  const nodes = ready();
  if (!nodes) return;
  for (const step of steps.slice(steps.indexOf(first))) {
    step.figure.scrollIntoView({ block: "nearest" });
    const { state, failed } = await run(step, nodes);
    if (state !== "ok") return stoppedAt(step, state, failed);
  }
  summarize(`All ${steps.length === 1 ? "is" : `${steps.length} steps are`} done, on ${count(nodes.length)}.`, "ok");
}

async function runOne(step) {
  const nodes = ready();
  if (nodes) await run(step, nodes);
}

// ready returns the nodes to run on, unless something runs or none is chosen.
function ready() {
  if (running) return null;
  const nodes = chosen();
  where.hidden = true;
  if (nodes.length) return nodes;
  summarize("Choose at least one node.", "failed");
  find("input", chips)?.focus();
  return null;
}

function stoppedAt(step, state, failed) {
  const next = steps[steps.indexOf(step) + 1];
  const names = failed.map(({ short }) => short).join(", ");
  summarize(state === "stopped" ? `You stopped step ${step.number}.` : `Stopped at step ${step.number}: it failed on ${names}.`, state);
  offer("go-on", next, next && `Continue with step ${next.number}`);
  offer("again", step, `Retry from step ${step.number}`);
}

function offer(action, step, text) {
  const button = find(`[data-action=${action}]`, where);
  button.hidden = !step;
  button.textContent = text ?? "";
  button.onclick = () => runFrom(step);
}

// summarize shows the state of all steps, in the bar at the top.
function summarize(text, state) {
  find("p", where).textContent = text;
  where.dataset.state = state;
  for (const button of all("button", where)) button.hidden = true;
  where.hidden = false;
  announce(text);
}

const statusLine = find("#run-said");
function announce(text) { statusLine.textContent = statusLine.textContent === text ? `${text}\u00a0` : text; } // repeated text is read out again, too

function stop() { running?.stop.abort(); }

// --- buttons ---

// buttons shows what can be pressed. A disabled one keeps the focus.
function buttons() {
  const off = (button, is) => button.setAttribute("aria-disabled", String(is));
  off(find("#run-all"), !!running);
  off(find("#run-stop"), !running);
  for (const step of steps) label(step);
}

function label(step) {
  const mine = running?.step === step;
  step.button.toggleAttribute("data-running", mine);
  step.button.setAttribute("aria-disabled", String(!!running && !mine));
  step.button.setAttribute("aria-label", `${mine ? "Stop" : "Run"} step ${step.number}`);
  find("span", step.button).textContent = mine ? "Stop" : "Run";
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const step = steps.find((one) => one.button === button);
  if (step && running?.step === step || button.id === "run-stop") return stop();
  if (step) runOne(step);
  if (button.id === "run-all") runFrom(steps[0]);
});

if (steps.length) {
  for (const step of steps) recall(step);
  setInterval(() => document.hidden || refresh(), refreshEvery);
  addEventListener("focus", refresh);
  addEventListener("pagehide", stop); // no one would see the result
}
