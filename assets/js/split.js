// A split card shows two of its tabs, side by side or one below the other, with a line between them. The style sheet
// places the panes, by data-place, and sizes them, by --part. Each browser keeps the splits of the last nodes.

import { remember, remembered, stamp } from "./dom.js";

const stored = "convoy.splits"; // [[node, {axis, part, keys}], …], the last one changed first
const kept = 50; // nodes
const [least, most, half, step] = [15, 85, 50, 5]; // per cent
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
    this.#line.ariaOrientation = this.axis === "beside" ? "vertical" : "horizontal";
    this.#line.setAttribute("aria-controls", panes.map((pane) => pane?.id ?? "").join(" ").trim());
    this.#resize(this.part);
  }

  #resize(part) {
    this.part = Math.min(most, Math.max(least, part));
    this.#line.parentElement.style.setProperty("--part", this.part);
    this.#line.ariaValueNow = String(Math.round(this.part));
  }

  #makeLine() {
    const line = stamp("split-template");
    const move = (part) => { this.#resize(part); this.set({}); };
    line.addEventListener("pointerdown", ({ pointerId, button }) => button || line.setPointerCapture(pointerId));
    line.addEventListener("pointermove", (e) => line.hasPointerCapture(e.pointerId) && this.#resize(this.#partAt(e)));
    line.addEventListener("lostpointercapture", () => this.set({}));
    line.addEventListener("dblclick", () => move(half));
    line.addEventListener("keydown", (e) => {
      const [less, more] = this.axis === "beside" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
      const to = { [less]: this.part - step, [more]: this.part + step, Home: least, End: most, Enter: half }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      move(to);
    });
    return line;
  }

  #partAt({ clientX, clientY }) {
    const { left, top, width, height } = this.#line.parentElement.getBoundingClientRect();
    return 100 * (this.axis === "beside" ? (clientX - left) / width : (clientY - top) / height);
  }
}
