// The viewers of a shell: a chip for each, who is typing, and your own name.

import { askText } from "./dialog.js";
import { find, remember, remembered, stamp } from "./dom.js";

const shown = 4; // chips
const typingTime = 2000; // ms that a viewer counts as typing
const announceEvery = 30_000; // ms between two spoken announcements about the same viewer
const hues = 10;
const stored = "convoy-name";
const maxName = 40; // characters of a name

/** myName is the user's chosen name; "" if it is a number. */
export const myName = () => cleanName(remembered(stored) ?? "");

const cleanName = text => [...text.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, "").trim()].slice(0, maxName).join("").trim();
const nameOf = viewer => viewer.name || `Viewer ${viewer.n}`;

/** Presence is this part of the line below a terminal. */
export class Presence {
  #chips;
  #typing;
  #announcement;
  #everyone;
  #here = { you: 0, count: 0, viewers: [] };
  #drawn = "";
  #timer = 0;
  #announced = { text: "", at: 0 };

  constructor({ stream, tools }) {
    this.#chips = find(".chips", tools.element);
    this.#typing = find(".shell-types", tools.element);
    this.#announcement = find("[role=status]", tools.element);
    this.#everyone = find(".chips-all", tools.element);
    this.#chips.addEventListener("click", ({ target }) => target.closest(".you") && askName(stream));
    tools.add("Your name…", () => askName(stream));
  }

  /** show takes a presence event. */
  show(here) {
    this.#here = here;
    this.#draw();
    this.#announce(here.viewers.filter(v => v.typing && v.n !== here.you).map(nameOf));
  }

  /** clear removes all viewers: the page no longer follows. */
  clear() { this.show({ you: 0, count: 0, viewers: [] }); }

  #draw() {
    const { you, count, viewers } = this.#here;
    const alone = count <= 1 && viewers.every(v => v.types);
    const mine = viewers.filter(v => v.n === you);
    const list = alone ? [] : [...mine, ...viewers.filter(v => v.n !== you)];
    const key = JSON.stringify([list.map(v => [v.n, v.name, v.types]), you, count]);
    if (key === this.#drawn) return; // someone types: the chips are the same
    this.#drawn = key;
    const fit = list.length > shown ? list.slice(0, shown - 1) : list;
    this.#chips.replaceChildren(...fit.map(v => this.#item(v, v.n === you ? "you" : "viewer")));
    this.#everyone.replaceChildren(...list.map(v => this.#item(v, "viewer")));
    if (count > fit.length && list.length) this.#chips.append(this.#rest(count - fit.length));
    else if (this.#everyone.matches(":popover-open")) this.#everyone.hidePopover();
  }

  // item is a viewer: two letters, and the name.
  #item(viewer, as) {
    const item = stamp(`${as}-template`);
    const chip = find(".chip", item);
    const name = `${nameOf(viewer)}${viewer.n === this.#here.you ? " (you)" : ""}${viewer.types ? "" : ", view only"}`;
    chip.classList.add(`hue-${hue(viewer)}`);
    chip.classList.toggle("watches", !viewer.types);
    chip.title = as === "you" ? `${name}: change your name` : name;
    find("b", chip).textContent = initials(viewer);
    find(".chip-name", item).textContent = chip.title;
    return item;
  }

  #rest(n) {
    const item = stamp("rest-template");
    const button = find("button", item);
    button.textContent = `+${n}`;
    button.title = button.ariaLabel = `${n} more: show everyone`;
    button.popoverTargetElement = this.#everyone;
    return item;
  }

  // announce shows who is typing. It is spoken once, and again only after a while.
  #announce(names) {
    clearTimeout(this.#timer);
    const text = names.length > 1 ? `${names[0]} and ${names.length - 1} more are typing` : names.length ? `${names[0]} is typing` : "";
    this.#typing.textContent = text;
    if (!text) return;
    this.#timer = setTimeout(() => { this.#typing.textContent = ""; }, typingTime);
    if (text === this.#announced.text && performance.now() - this.#announced.at < announceEvery) return;
    this.#announced = { text, at: performance.now() };
    this.#announcement.textContent = "";
    this.#announcement.textContent = text;
  }
}

function initials(viewer) {
  const words = viewer.name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (!words.length) return String(viewer.n);
  const letters = words.length > 1 ? [...words[0]][0] + [...words.at(-1)][0] : [...words[0]].slice(0, 2).join("");
  return letters.toUpperCase();
}

// hue is a name's colour, the same on every page.
function hue(viewer) {
  if (!viewer.name) return viewer.n % hues;
  let sum = 0;
  for (const c of viewer.name) sum = (sum * 31 + c.codePointAt(0)) % 65521;
  return sum % hues;
}

/** askName asks for the user's name, for the stream and for later pages. */
export async function askName(stream) {
  const answer = await askText("name-template", stream.name);
  if (answer === null) return;
  const name = cleanName(answer);
  remember(stored, name);
  stream.rename(name);
}
