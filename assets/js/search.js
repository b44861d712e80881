// The find bar at the top right of a terminal.

import { make } from "./terminal.js";
import { icon } from "./tools.js";

const highlighted = 1000; // matches that are highlighted and counted

/**
 * Search finds text in a terminal. open() shows the bar. older() fetches the part of the shell's history that the page
 * lacks; leave() returns the focus.
 */
export class Search {
  element = make("div", "shell-find");
  #term;
  #older;
  #onLeave;
  #addon = null;
  #input = make("input");
  #count = make("output", "find-count");
  #toggles = {};

  constructor({ term, older, leave }) {
    this.#term = term;
    this.#older = older;
    this.#onLeave = leave;
    this.element.hidden = true;
    this.element.setAttribute("role", "search");
    this.element.setAttribute("aria-label", "Find in this shell");
    Object.assign(this.#input, { type: "text", placeholder: "Find", ariaLabel: "Find in this shell", autocomplete: "off", spellcheck: false, maxLength: 500 });
    this.#input.setAttribute("autocapitalize", "off");
    this.#input.addEventListener("input", () => this.#find("next", true));
    this.element.addEventListener("keydown", e => this.#key(e));
    this.element.append(this.#input, this.#count,
      this.#toggle("caseSensitive", "case-sensitive", "Match case"),
      this.#toggle("wholeWord", "", "Whole words"),
      this.#toggle("regex", "regex", "Regular expression"),
      press("chevron-up", "Previous (Shift+Enter)", () => this.#find("previous")),
      press("chevron-down", "Next (Enter)", () => this.#find("next")),
      press("x", "Close (Escape)", () => this.close()));
  }

  /** open shows the bar, with the terminal's selection. */
  async open() {
    this.element.hidden = false;
    const selected = this.#term.getSelection();
    if (selected && !selected.includes("\n")) this.#input.value = selected;
    this.#input.focus();
    this.#input.select();
    if (!this.#addon) {
      const { SearchAddon } = await import("../vendor/xterm-addon-search/addon-search.mjs");
      if (this.#addon) return;
      this.#addon = new SearchAddon({ highlightLimit: highlighted });
      this.#addon.onDidChangeResults(({ resultIndex, resultCount }) => this.#showCount(resultIndex, resultCount));
      this.#term.loadAddon(this.#addon);
    }
    this.#older();
    this.again();
  }

  /** again repeats the search from the same place: the terminal's content or look has changed. */
  again() {
    if (!this.element.hidden) this.#find("next", true);
  }

  /** close removes the bar and the highlights. */
  close() {
    this.element.hidden = true;
    this.#addon?.clearDecorations();
    this.#term.clearSelection();
    this.#onLeave();
  }

  #key(e) {
    if (e.key === "Escape") this.close();
    else if (e.key === "Enter" && e.target === this.#input) this.#find(e.shiftKey ? "previous" : "next");
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  #find(way, incremental = false) {
    const text = this.#input.value;
    const on = name => this.#toggles[name].ariaPressed === "true";
    const options = { regex: on("regex"), wholeWord: on("wholeWord"), caseSensitive: on("caseSensitive"), incremental, decorations: marks(this.#term.element) };
    const wrong = options.regex && text ? problem(text) : "";
    this.#input.ariaInvalid = String(!!wrong);
    if (!this.#addon) return;
    if (!text || wrong) {
      this.#addon.clearDecorations();
      this.#term.clearSelection();
      this.#count.textContent = wrong && "invalid";
      this.#count.title = wrong;
      return;
    }
    this.#count.title = "";
    if (way === "next") this.#addon.findNext(text, options);
    else this.#addon.findPrevious(text, options);
  }

  #showCount(index, count) {
    if (this.#input.ariaInvalid === "true" || !this.#input.value) return;
    this.#count.textContent = !count ? "none" : index < 0 ? `${count}+` : `${index + 1} of ${count}`;
  }

  #toggle(name, symbol, label) {
    const button = press(symbol, label, () => {
      button.ariaPressed = String(button.ariaPressed !== "true");
      this.#addon?.clearDecorations(); // the add-on updates highlights for another text, but not for another option
      this.#find("next", true);
    });
    if (!symbol) button.append(wholeWord());
    button.ariaPressed = "false";
    button.dataset.option = name;
    this.#toggles[name] = button;
    return button;
  }
}

function press(symbol, label, act) {
  const button = make("button", "button quiet square small");
  button.type = "button";
  button.title = button.ariaLabel = label;
  if (symbol) button.append(icon(symbol));
  button.addEventListener("click", act);
  return button;
}

// wholeWord is the icon of that option: letters, underlined.
function wholeWord() {
  const sign = make("span", "find-word");
  sign.ariaHidden = "true";
  sign.textContent = "ab";
  return sign;
}

// problem explains an invalid regular expression.
function problem(text) {
  try {
    new RegExp(text);
    return "";
  } catch (e) {
    return e.message;
  }
}

// marks are the colours of matches.
function marks(element) {
  const [all, one] = [color(element, "--term-match"), color(element, "--term-match-now")];
  return { matchBackground: all, matchOverviewRuler: all, activeMatchBackground: one, activeMatchColorOverviewRuler: one };
}

// color converts a style sheet colour to #rrggbb, which the add-on requires.
function color(element, token) {
  const probe = make("span");
  probe.style.color = `var(${token}, Highlight)`;
  element.append(probe);
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return `#${parts.map(n => Math.round(n).toString(16).padStart(2, "0")).join("")}`;
}
