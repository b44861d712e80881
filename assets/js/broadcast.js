// Typing into several shells at once. The page does it: input to one terminal also goes into the input queue of each
// chosen shell, so that each gets it in order and once, or learns that it is lost.

import { allCards, cardOf } from "./cards.js";
import { find, set, stamp } from "./dom.js";
import { notice } from "./notices.js";
import { Outcome } from "./outcome.js";

const asideTime = 4000; // ms that the bar shows where else something was typed
const named = 12; // shells that the bar lists by name

const title = document.title;

/** Broadcast is this mode of the console's page. It ends with the page. */
export class Broadcast {
  #bar = find("#broadcast");
  #button = find("#broadcast-toggle");
  #on = false;
  #members = new Map(); // card → {card, key, pane} of chosen cards
  #last = null; // the card whose shell was focused last
  #outcome = null;
  #result = null; // the last outcome
  #asideTimer = 0;

  // watches: this page types into no shell.
  constructor(watches) {
    this.#button.hidden = watches;
    if (watches) return;
    document.addEventListener("focusin", ({ target }) => { if (target.closest(".shell")) this.#last = cardOf(target); });
    document.addEventListener("change", ({ target }) => { if (target.matches("[data-join]")) this.#choose(cardOf(target), target.checked); });
    document.addEventListener("shell-typed", ({ target, detail }) => this.#typed(target, detail));
    document.addEventListener("shell-pasting", ({ target, detail }) => this.#pasting(target.pane, detail.pastes));
    document.addEventListener("shell-state", () => this.sync());
    document.addEventListener("card-shown", () => this.sync());
    new MutationObserver(() => this.sync()).observe(find("#link"), { attributes: true });
    addEventListener("pagehide", () => this.stop()); // otherwise going back to the page would resume it
    new ResizeObserver(() => this.#measure()).observe(find(".below"));
  }

  /** on is whether the mode is on. */
  get on() { return this.#on; }

  // chosen are the members in the order of their cards.
  get #chosen() { return allCards().map((card) => this.#members.get(card)).filter(Boolean); }

  /** toggle switches the mode on, starting with the focused shell, or off. */
  toggle() {
    if (this.#on) return this.stop();
    if (this.#button.hidden) return;
    const first = cardOf(document.activeElement) ?? this.#last;
    this.#turn(true);
    if (allCards().includes(first) && joinable(first)) this.#choose(first, true);
  }

  /** stop ends the mode. */
  stop() {
    if (!this.#on) return;
    this.#forget();
    this.#members.clear();
    const hadFocus = this.#bar.contains(document.activeElement);
    this.#turn(false);
    if (hadFocus) this.#button.focus();
  }

  /** all chooses every visible shell that accepts input, none clears the choice. */
  all() { for (const card of allCards().filter(joinable)) this.#choose(card, true); }
  none() { for (const card of [...this.#members.keys()]) this.#choose(card, false); }

  /** sync follows changes of the cards: members that have changed since they were chosen drop out. */
  sync() {
    if (!this.#on) return;
    for (const member of [...this.#members.values()]) {
      const why = reason(member);
      if (!why) continue;
      this.#leave(member);
      notice("warn", `${member.card.short}: ${why}.`, "Your input no longer goes there.");
    }
    this.#draw();
  }

  #turn(on) {
    this.#on = on;
    this.#button.setAttribute("aria-pressed", String(on));
    document.body.toggleAttribute("data-broadcast", on);
    this.#hint("");
    this.#draw();
  }

  #choose(card, chosen) {
    if (!chosen) {
      this.#leave(this.#members.get(card));
    } else if (!this.#members.has(card)) {
      card.select(card.selected, false); // it may never have been near the window
      const pane = card.panes.get(card.selected)?.pane;
      if (pane?.takes) this.#members.set(card, { card, key: card.selected, pane });
    }
    this.#hint("");
    this.#draw();
  }

  #leave(member) {
    if (!member) return;
    this.#members.delete(member.card);
    this.#outcome?.drop(member);
  }

  // --- input ---

  #typed(element, { text, pasted }) {
    if (!this.#on) return;
    const members = this.#chosen;
    const from = members.find((member) => member.pane === element.pane);
    if (!from) return this.#hint(`Typing in ${cardOf(element)?.short} goes only to that shell, because it is not chosen.`);
    if (this.#outcome?.settled) this.#outcome.close(); // a new key starts a new outcome
    if (/[\r\n]/.test(text)) this.#entered(members);
    if (pasted) return; // paste.js has distributed it
    for (const member of members) if (member !== from) member.pane.relay.type(text);
  }

  #pasting(pane, pastes) {
    const members = this.#on ? this.#chosen : [];
    if (!members.some((member) => member.pane === pane)) return;
    for (const member of members) if (member.pane !== pane) pastes.push(member.pane.paste);
  }

  // --- outcome ---

  #entered(members) {
    this.#result = null;
    if (this.#outcome?.covers(members)) {
      this.#outcome.again();
    } else {
      this.#forget();
      if (members.length > 1) this.#outcome = new Outcome(members, (result) => {
        this.#result = result;
        this.#draw();
      });
    }
    this.#draw();
  }

  #forget() {
    this.#outcome?.close();
    this.#outcome = this.#result = null;
  }

  // --- display ---

  #draw() {
    const members = this.#chosen;
    for (const card of allCards()) this.#mark(card);
    document.title = this.#on ? `⇉ ${members.length} · ${title}` : title;
    set(find("[data-to]", this.#bar), this.#on ? goesTo(members) : "");
    set(find("[data-wait]", this.#bar), this.#on ? waiting(members) : "");
    this.#drawResult();
  }

  // mark shows on a card whether it is chosen, and whether it can be.
  #mark(card) {
    const chosen = this.#members.has(card);
    const { element } = card;
    element.toggleAttribute("data-ui-joinable", this.#on && joinable(card));
    element.toggleAttribute("data-ui-joined", chosen);
    element.toggleAttribute("data-ui-differs", !!this.#result?.odd.some((member) => member.card === card));
    const box = find("[data-join]", element);
    if (box) box.checked = chosen;
  }

  #drawResult() {
    const { words = "", odd = [], running = [], silent = [], whole = [] } = this.#result ?? {};
    const place = find("[data-outcome]", this.#bar);
    place.dataset.verdict = odd.length ? "differs" : words ? "same" : "";
    const lists = [["still running", running], ["no answer yet", silent], ["not compared, full screen", whole]];
    const parts = [...(words ? [[words, odd]] : []), ...lists.filter(([, list]) => list.length)];
    const key = JSON.stringify(parts.map(([text, list]) => [text, list.map(shortOf)]));
    if (place.dataset.said === key) return; // unchanged text is not read out again
    place.dataset.said = key;
    place.replaceChildren(...parts.flatMap(([text, list], i) => [i ? "; " : "", text, ...list.flatMap(goTo)]));
  }

  // hint shows a text for a while.
  #hint(text) {
    clearTimeout(this.#asideTimer);
    set(find("[data-aside]", this.#bar), text);
    if (text) this.#asideTimer = setTimeout(() => this.#hint(""), asideTime);
  }

  // measure keeps other elements clear of the bar below the header.
  #measure() { document.documentElement.style.setProperty("--below", `${find(".below").offsetHeight}px`); }
}

const shortOf = ({ card }) => card.short;

// joinable reports whether a card shows a shell that accepts input.
function joinable(card) {
  const { element, selected } = card;
  const pane = card.panes.get(selected)?.pane;
  if (element.hidden || pane) return !element.hidden && pane.takes;
  return card.alive && card.selectedTab?.dataset.running !== undefined && !card.isDetached(selected);
}

// reason is why a chosen shell drops out, if it does.
function reason({ card, key, pane }) {
  if (!card.element) return "the node was removed";
  if (pane.detached) return "the shell is detached";
  if (!card.panes.has(key)) return "the shell was closed";
  if (pane.ended) return "the shell has ended";
  if (!card.shown.includes(key)) return "its card shows another tab";
  return card.element.hidden ? "the filter hides it" : "";
}

function goesTo(members) {
  const names = members.map(shortOf);
  const rest = names.length - named;
  const list = rest > 1 ? `${names.slice(0, named).join(", ")} and ${rest} more` : names.join(", ");
  if (names.length > 1) return `Typing goes to ${names.length} shells: ${list}`;
  const how = "check “Broadcast here” on the cards, or press All.";
  return names.length ? `Typing goes to 1 shell: ${list}. For more, ${how}` : `No shell is chosen: ${how}`;
}

// waiting lists members that cannot accept input now.
function waiting(members) {
  const link = find("#link");
  if (!link.hidden && link.dataset.state !== "stale") return "The connection is lost. Your input waits.";
  const lost = members.filter(({ pane }) => pane.lost).map(shortOf);
  const many = lost.length > 1;
  return lost.length ? `${lost.join(", ")} ${many ? "do" : "does"} not answer. Your input waits for ${many ? "them" : "it"}.` : "";
}

// goTo is a member's name, as a button that goes there, in a list.
function goTo({ card }, i) {
  const button = stamp("member-template");
  button.textContent = card.short;
  button.dataset.card = card.id;
  return [i ? ", " : ": ", button];
}
