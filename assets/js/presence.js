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

/** newPresence is this part of the line below a terminal. */
export function newPresence({ stream, tools }) {
  let drawn = "";
  let timer = 0;
  let announced = { text: "", at: 0 };
  const chips = find(".chips", tools.element);
  const typing = find(".shell-types", tools.element);
  const announcement = find("[role=status]", tools.element);
  const everyone = find(".chips-all", tools.element);
  chips.addEventListener("click", ({ target }) => target.closest(".you") && askName(stream));
  tools.add("Your name…", () => askName(stream));

  /** show takes a presence event. */
  function show(here) {
    draw(here);
    announce(here.viewers.filter(v => v.typing && v.n !== here.you).map(nameOf));
  }

  /** clear removes all viewers: the page no longer follows. */
  const clear = () => show({ you: 0, count: 0, viewers: [] });

  function draw({ you, count, viewers }) {
    const alone = count <= 1 && viewers.every(v => v.types);
    const mine = viewers.filter(v => v.n === you);
    const list = alone ? [] : [...mine, ...viewers.filter(v => v.n !== you)];
    const key = JSON.stringify([list.map(v => [v.n, v.name, v.types]), you, count]);
    if (key === drawn) return; // someone types: the chips are the same
    drawn = key;
    const fit = list.length > shown ? list.slice(0, shown - 1) : list;
    chips.replaceChildren(...fit.map(v => itemOf(v, you, v.n === you ? "you" : "viewer")));
    everyone.replaceChildren(...list.map(v => itemOf(v, you, "viewer")));
    if (count > fit.length && list.length) chips.append(rest(count - fit.length));
    else if (everyone.matches(":popover-open")) everyone.hidePopover();
  }

  // itemOf is a viewer: two letters, and the name.
  function itemOf(viewer, you, as) {
    const item = stamp(`${as}-template`);
    const chip = find(".chip", item);
    const name = `${nameOf(viewer)}${viewer.n === you ? " (you)" : ""}${viewer.types ? "" : ", view only"}`;
    chip.classList.add(`hue-${hue(viewer)}`);
    chip.classList.toggle("watches", !viewer.types);
    chip.title = as === "you" ? `${name}: change your name` : name;
    find("b", chip).textContent = initials(viewer);
    find(".chip-name", item).textContent = chip.title;
    return item;
  }

  function rest(n) {
    const item = stamp("rest-template");
    const button = find("button", item);
    button.textContent = `+${n}`;
    button.title = button.ariaLabel = `${n} more: show everyone`;
    button.popoverTargetElement = everyone;
    return item;
  }

  // announce shows who is typing. It is spoken once, and again only after a while.
  function announce(names) {
    clearTimeout(timer);
    const text = names.length > 1 ? `${names[0]} and ${names.length - 1} more are typing` : names.length ? `${names[0]} is typing` : "";
    typing.textContent = text;
    if (!text) return;
    timer = setTimeout(() => { typing.textContent = ""; }, typingTime);
    if (text === announced.text && performance.now() - announced.at < announceEvery) return;
    announced = { text, at: performance.now() };
    announcement.textContent = "";
    announcement.textContent = text;
  }

  return { show, clear };
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
