// Typing into several shells at once. The page does it: input to one terminal also goes into the input queue of each
// chosen shell, so that each gets it in order and once, or learns that it is lost.

import { allCards, cardOf } from "./cards.js";
import { find, set, stamp } from "./dom.js";
import { notice } from "./notices.js";
import { newOutcome } from "./outcome.js";

const asideTime = 4000; // ms that the bar shows where else something was typed
const named = 12; // shells that the bar lists by name

const title = document.title;

/** newBroadcast is this mode of the console's page, which ends with the page. watches: the page types into no shell. */
export function newBroadcast(watches) {
  const bar = find("#broadcast");
  const button = find("#broadcast-toggle");
  let on = false;
  const members = new Map(); // card → {card, key, pane} of chosen cards
  let last = null; // the card whose shell was focused last
  let outcome = null;
  let result = null; // the last outcome
  let asideTimer = 0;

  button.hidden = watches;
  if (!watches) listen();

  function listen() {
    document.addEventListener("focusin", ({ target }) => { if (target.closest(".shell")) last = cardOf(target); });
    document.addEventListener("change", ({ target }) => { if (target.matches("[data-join]")) choose(cardOf(target), target.checked); });
    document.addEventListener("shell-typed", ({ target, detail }) => typed(target, detail));
    document.addEventListener("shell-pasting", ({ target, detail }) => pasting(target.pane, detail.pastes));
    document.addEventListener("shell-state", sync);
    document.addEventListener("card-shown", sync);
    new MutationObserver(sync).observe(find("#link"), { attributes: true });
    addEventListener("pagehide", stop); // otherwise going back to the page would resume it
    new ResizeObserver(measure).observe(find(".below"));
  }

  // chosen are the members in the order of their cards.
  const chosen = () => allCards().map((card) => members.get(card)).filter(Boolean);

  /** toggle switches the mode on, starting with the focused shell, or off. */
  function toggle() {
    if (on) return stop();
    if (button.hidden) return;
    const first = cardOf(document.activeElement) ?? last;
    turn(true);
    if (allCards().includes(first) && joinable(first)) choose(first, true);
  }

  /** stop ends the mode. */
  function stop() {
    if (!on) return;
    forget();
    members.clear();
    const hadFocus = bar.contains(document.activeElement);
    turn(false);
    if (hadFocus) button.focus();
  }

  /** all chooses every visible shell that accepts input, none clears the choice. */
  function all() { for (const card of allCards().filter(joinable)) choose(card, true); }
  function none() { for (const card of [...members.keys()]) choose(card, false); }

  /** sync follows changes of the cards: members that have changed since they were chosen drop out. */
  function sync() {
    if (!on) return;
    for (const member of [...members.values()]) {
      const why = reason(member);
      if (!why) continue;
      leave(member);
      notice("warn", `${member.card.short}: ${why}.`, "Your input no longer goes there.");
    }
    draw();
  }

  function turn(now) {
    on = now;
    button.ariaPressed = String(on);
    document.body.toggleAttribute("data-broadcast", on);
    hint("");
    draw();
  }

  function choose(card, join) {
    if (!join) {
      leave(members.get(card));
    } else if (!members.has(card)) {
      card.select(card.selected, false); // it may never have been near the window
      const pane = card.panes.get(card.selected)?.pane;
      if (pane?.takes) members.set(card, { card, key: card.selected, pane });
    }
    hint("");
    draw();
  }

  function leave(member) {
    if (!member) return;
    members.delete(member.card);
    outcome?.drop(member);
  }

  // --- input ---

  function typed(element, { text, pasted }) {
    if (!on) return;
    const list = chosen();
    const from = list.find((member) => member.pane === element.pane);
    if (!from) return hint(`Typing in ${cardOf(element)?.short} goes only to that shell, because it is not chosen.`);
    if (outcome?.settled()) outcome.close(); // a new key starts a new outcome
    if (/[\r\n]/.test(text)) entered(list);
    if (pasted) return; // paste.js has distributed it
    for (const member of list) if (member !== from) member.pane.relay.type(text);
  }

  function pasting(pane, pastes) {
    const list = on ? chosen() : [];
    if (!list.some((member) => member.pane === pane)) return;
    for (const member of list) if (member.pane !== pane) pastes.push(member.pane.paste);
  }

  // --- outcome ---

  function entered(list) {
    result = null;
    if (outcome?.covers(list)) {
      outcome.again();
    } else {
      forget();
      if (list.length > 1) outcome = newOutcome(list, (now) => {
        result = now;
        draw();
      });
    }
    draw();
  }

  function forget() {
    outcome?.close();
    outcome = result = null;
  }

  // --- display ---

  function draw() {
    const list = chosen();
    for (const card of allCards()) mark(card);
    document.title = on ? `⇉ ${list.length} · ${title}` : title;
    set(find("[data-to]", bar), on ? goesTo(list) : "");
    set(find("[data-wait]", bar), on ? waiting(list) : "");
    drawResult();
  }

  // mark shows on a card whether it is chosen, and whether it can be.
  function mark(card) {
    const joined = members.has(card);
    const { element } = card;
    element.toggleAttribute("data-ui-joinable", on && joinable(card));
    element.toggleAttribute("data-ui-joined", joined);
    element.toggleAttribute("data-ui-differs", !!result?.odd.some((member) => member.card === card));
    const box = find("[data-join]", element);
    if (box) box.checked = joined;
  }

  function drawResult() {
    const { words = "", odd = [], running = [], silent = [], whole = [] } = result ?? {};
    const place = find("[data-outcome]", bar);
    place.dataset.verdict = odd.length ? "differs" : words ? "same" : "";
    const lists = [["still running", running], ["no answer yet", silent], ["not compared, full screen", whole]];
    const parts = [...(words ? [[words, odd]] : []), ...lists.filter(([, list]) => list.length)];
    const key = JSON.stringify(parts.map(([text, list]) => [text, list.map(shortOf)]));
    if (place.dataset.said === key) return; // unchanged text is not read out again
    place.dataset.said = key;
    place.replaceChildren(...parts.flatMap(([text, list], i) => [i ? "; " : "", text, ...list.flatMap(goTo)]));
  }

  // hint shows a text for a while.
  function hint(text) {
    clearTimeout(asideTimer);
    set(find("[data-aside]", bar), text);
    if (text) asideTimer = setTimeout(() => hint(""), asideTime);
  }

  // measure keeps other elements clear of the bar below the header.
  function measure() { document.documentElement.style.setProperty("--below", `${find(".below").offsetHeight}px`); }

  return { get on() { return on; }, toggle, stop, all, none, sync };
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
