// The latency of a shell: from the browser to the console, and from there to the shell's node. Requests measure it; the
// line below the terminal shows it, and its history.

import { find, set } from "./dom.js";

const kept = 60; // requests
const recent = 9; // of them that count for the present
const pause = 2000; // ms between two changes of the page, each of which can delay an echo by a frame

/** newLatency shows that of the shell whose tools these are. */
export function newLatency(tools) {
  let trips = []; // the last requests: {ms, hop}
  let timer = 0;
  const button = find(".shell-trip", tools.element);
  const menu = find(".shell-trips", tools.element);
  button.popoverTargetElement = menu;
  menu.addEventListener("beforetoggle", draw);

  /** trip is the present round trip in ms; 0 before the first request. */
  const trip = () => median(trips.slice(-recent).map(({ ms }) => ms));

  /** add takes the ms of a request, and of its part between the console and the node: 0 if that is the same. */
  function add(ms, hop) {
    trips = [...trips.slice(1 - kept), { ms, hop }];
    timer ||= setTimeout(update, pause);
  }

  /** close ends it with its terminal. */
  const close = () => clearTimeout(timer);

  function update() {
    timer = 0;
    button.hidden = false;
    set(button.lastElementChild, msText(trip()));
    if (menu.matches(":popover-open")) draw();
  }

  function draw() {
    const last = trips.slice(-recent);
    const all = trips.map(({ ms }) => ms);
    const hop = median(last.map((one) => one.hop));
    const most = Math.max(...all);
    const show = (what, text) => set(find(`[data-trip=${what}]`, menu), text);
    show("console", msText(Math.max(0, median(last.map((one) => one.ms - one.hop)))));
    show("node", hop ? msText(hop) : "the same node");
    show("history", `Last ${all.length} requests: ${msText(Math.min(...all))} to ${msText(most)}`);
    const points = all.map((ms, i) => `${100 * i / Math.max(1, all.length - 1)},${20 - 19 * ms / most}`);
    find("polyline", menu).setAttribute("points", points.join(" "));
  }

  return { trip, add, close };
}

const msText = (ms) => ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString()} ms`;

function median(list) {
  return list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;
}
