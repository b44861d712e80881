// A split card shows two of its tabs, side by side or one below the other, with a line between them, which is a slider.
// The style sheet places the panes, by data-place, and sizes them, by --part. Each browser keeps the splits of the last
// nodes.

import { find, remember, remembered, stamp } from "./dom.js";

const stored = "convoy.splits"; // [[node, {axis, part, keys}], …], the last one changed first
const kept = 50; // nodes
const half = 50; // per cent
const wide = matchMedia("(width > 600px)"); // a phone shows the two as tabs

const load = () => JSON.parse(remembered(stored) ?? "[]");

/** onWide calls act when a window becomes wide enough for a split, or too narrow. */
export const onWide = (act) => wide.addEventListener("change", act);

/**
 * Split is how the panes of a node's card are shown. axis is "beside", "below", or "": not split. keys are those of the
 * two tabs, "" for a shell that is being opened; part is the share of the first, in per cent.
 */
export class Split {
  axis = "";
  part = half;
  keys = [];

  #node;
  #line = null;

  constructor(node) {
    this.#node = node;
    Object.assign(this, new Map(load()).get(node));
  }

  /** on is whether two tabs are shown. */
  get on() { return this.axis !== "" && wide.matches; }

  /** possible is whether the window is wide enough. */
  get possible() { return wide.matches; }

  /** set changes the split, which is kept. */
  set(changes) {
    const { axis, part, keys } = Object.assign(this, changes);
    const others = load().filter(([node]) => node !== this.#node);
    remember(stored, JSON.stringify(axis ? [[this.#node, { axis, part, keys }], ...others].slice(0, kept) : others));
  }

  clear() { if (this.axis) this.set({ axis: "", part: half, keys: [] }); }

  /** put shows a tab in the place that is empty, or in that of another. */
  put(key, instead) {
    const at = this.keys.includes("") ? this.keys.indexOf("") : this.keys.indexOf(instead);
    if (this.on && at >= 0 && !this.keys.includes(key)) this.set({ keys: this.keys.with(at, key) });
  }

  /** lay places the panes in their holder: one, or two, of which one may be undefined. */
  lay(holder, panes) {
    if (panes.length < 2) {
      holder.removeAttribute("data-split");
      this.#line?.remove();
      return;
    }
    holder.dataset.split = this.axis;
    for (const [i, pane] of panes.entries()) if (pane) pane.dataset.place = i + 1;
    this.#line ??= this.#makeLine();
    if (!this.#line.isConnected) holder.append(this.#line);
    const slider = find("input", this.#line);
    slider.ariaOrientation = this.axis === "beside" ? "horizontal" : "vertical";
    slider.setAttribute("aria-controls", panes.map((pane) => pane?.id ?? "").join(" ").trim());
    this.#resize(this.part);
  }

  #resize(part) {
    this.part = find("input", this.#line).value = part;
    this.#line.parentElement.style.setProperty("--part", part);
  }

  #makeLine() {
    const line = stamp("split-template");
    const even = () => { this.#resize(half); this.set({}); };
    line.addEventListener("input", ({ target }) => this.#resize(Number(target.value)));
    line.addEventListener("change", () => this.set({}));
    line.addEventListener("dblclick", even);
    line.addEventListener("keydown", ({ key }) => key === "Enter" && even());
    return line;
  }
}
