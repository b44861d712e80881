// The latency of a shell: from the browser to the console, and from there to the shell's node. Requests measure it; the
// line below the terminal shows it, and its history.

import { find, set } from "./dom.js";

const kept = 60; // requests
const recent = 9; // of them that count for the present
const pause = 2000; // ms between two changes of the page, each of which can delay an echo by a frame

/** Latency belongs to the tools of one shell. */
export class Latency {
  #trips = []; // the last requests: {ms, hop}
  #button;
  #menu;
  #timer = 0;

  constructor(tools) {
    this.#button = find(".shell-trip", tools.element);
    this.#menu = find(".shell-trips", tools.element);
    this.#button.popoverTargetElement = this.#menu;
    this.#menu.addEventListener("beforetoggle", () => this.#draw());
  }

  /** trip is the present round trip in ms; 0 before the first request. */
  get trip() { return median(this.#trips.slice(-recent).map(({ ms }) => ms)); }

  /** add takes the ms of a request, and of its part between the console and the node: 0 if that is the same. */
  add(ms, hop) {
    this.#trips = [...this.#trips.slice(1 - kept), { ms, hop }];
    this.#timer ||= setTimeout(() => this.#show(), pause);
  }

  /** close ends it with its terminal. */
  close() { clearTimeout(this.#timer); }

  #show() {
    this.#timer = 0;
    this.#button.hidden = false;
    set(this.#button.lastElementChild, msText(this.trip));
    if (this.#menu.matches(":popover-open")) this.#draw();
  }

  #draw() {
    const last = this.#trips.slice(-recent);
    const all = this.#trips.map(({ ms }) => ms);
    const hop = median(last.map((trip) => trip.hop));
    const most = Math.max(...all);
    const show = (what, text) => set(find(`[data-trip=${what}]`, this.#menu), text);
    show("console", msText(Math.max(0, median(last.map((trip) => trip.ms - trip.hop)))));
    show("node", hop ? msText(hop) : "the same node");
    show("history", `Last ${all.length} requests: ${msText(Math.min(...all))} to ${msText(most)}`);
    const points = all.map((ms, i) => `${100 * i / Math.max(1, all.length - 1)},${20 - 19 * ms / most}`);
    find("polyline", this.#menu).setAttribute("points", points.join(" "));
  }
}

const msText = (ms) => ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString()} ms`;

function median(list) {
  return list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;
}
