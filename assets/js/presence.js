// The viewers of a shell: a chip for each, who is typing, and your own name.

import { remember, remembered } from "./dom.js";
import { dialog, make } from "./terminal.js";
import { icon } from "./tools.js";

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
  #stream;
  #chips = make("ul", "chips");
  #typing = make("span", "shell-types");
  #announcement = make("span", "sr");
  #all = make("div", "shell-menu chips-all");
  #here = { you: 0, count: 0, viewers: [] };
  #drawn = "";
  #timer = 0;
  #announced = { text: "", at: 0 };

  constructor({ stream, tools }) {
    this.#stream = stream;
    this.#chips.setAttribute("aria-label", "Who is here");
    this.#announcement.setAttribute("role", "status");
    this.#typing.ariaHidden = "true";
    this.#all.popover = "auto";
    tools.left.append(this.#chips, this.#typing, this.#announcement);
    tools.element.append(this.#all);
    tools.add("pencil", "Your name …", () => askName(this.#stream), { more: true });
  }

  /** others are the names of the other viewers. */
  get others() { return this.#here.viewers.filter(v => v.n !== this.#here.you).map(nameOf); }

  /** count is the number of viewers, including you if you are one. */
  get count() { return this.#here.count; }

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
    this.#chips.replaceChildren(...fit.map(v => item(this.#chip(v, v.n === you))));
    this.#all.replaceChildren(...list.map(v => this.#line(v, v.n === you)));
    if (count > fit.length && list.length) this.#chips.append(item(this.#rest(count - fit.length)));
    else if (this.#all.matches(":popover-open")) this.#all.hidePopover();
  }

  // chip is a viewer in two letters.
  #chip(viewer, you) {
    const chip = make(you ? "button" : "span", `chip hue-${hue(viewer)}${you ? " you" : ""}`);
    const label = `${nameOf(viewer)}${you ? " (you)" : ""}${viewer.types ? "" : ", view only"}`;
    chip.title = you ? `${label}: change your name` : label;
    const letters = make("span");
    letters.ariaHidden = "true";
    letters.textContent = initials(viewer);
    const spoken = make("span", "sr");
    spoken.textContent = chip.title;
    chip.append(letters, spoken);
    chip.classList.toggle("watches", !viewer.types);
    if (!viewer.types) letters.prepend(icon("eye"));
    if (you) {
      chip.type = "button";
      chip.addEventListener("click", () => askName(this.#stream));
    }
    return chip;
  }

  // line is a viewer in the full list.
  #line(viewer, you) {
    const line = make("div", "chip-line");
    const name = make("span");
    name.textContent = `${nameOf(viewer)}${you ? " (you)" : ""}${viewer.types ? "" : " · view only"}`;
    const chip = this.#chip(viewer, false);
    chip.ariaHidden = "true";
    line.append(chip, name);
    return line;
  }

  #rest(n) {
    const more = make("button", "chip rest");
    more.type = "button";
    more.textContent = `+${n}`;
    more.title = more.ariaLabel = `${n} more: show everyone`;
    more.popoverTargetElement = this.#all;
    return more;
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

function item(child) {
  const element = make("li");
  element.append(child);
  return element;
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
  const text = make("p");
  text.textContent = "Others in a shell see this name. It proves nothing. If you leave it empty, they see a number.";
  const input = make("input");
  Object.assign(input, { value: stream.name, maxLength: maxName, ariaLabel: "Your name", autocomplete: "nickname", spellcheck: false, autofocus: true });
  const asked = dialog({ title: "Your name", body: [text, input], answers: [["", "Cancel"], ["save", "Save"]] });
  input.select();
  if (await asked !== "save") return;
  const name = cleanName(input.value);
  remember(stored, name);
  stream.rename(name);
}
