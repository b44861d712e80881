// The find bar at the top right of a terminal (shell_pane.html).

import { all, find } from "./dom.js";

const highlighted = 1000; // matches that are highlighted and counted

/**
 * Search finds text in a terminal. open() shows the bar. older() fetches the part of the shell's history that the page
 * lacks; leave() returns the focus.
 */
export class Search {
  #element;
  #term;
  #older;
  #onLeave;
  #addon = null;
  #input;
  #count;

  constructor({ element, term, older, leave }) {
    this.#element = element;
    this.#term = term;
    this.#older = older;
    this.#onLeave = leave;
    this.#input = find("input", element);
    this.#count = find(".find-count", element);
    this.#input.addEventListener("input", () => this.#find("next", true));
    element.addEventListener("keydown", (e) => this.#key(e));
    element.addEventListener("click", ({ target }) => this.#press(target.closest("button")));
  }

  /** open shows the bar, with the terminal's selection. */
  async open() {
    this.#element.hidden = false;
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
    if (!this.#element.hidden) this.#find("next", true);
  }

  /** close removes the bar and the highlights. */
  close() {
    this.#element.hidden = true;
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

  #press(button) {
    if (!button) return;
    if (button.dataset.find === "close") return this.close();
    if (button.dataset.find) return this.#find(button.dataset.find);
    button.ariaPressed = String(button.ariaPressed !== "true");
    this.#addon?.clearDecorations(); // the add-on updates highlights for another text, but not for another option
    this.#find("next", true);
  }

  #find(way, incremental = false) {
    const text = this.#input.value;
    const options = { incremental, decorations: marks(this.#term.element) };
    for (const { dataset: { option }, ariaPressed } of all("[data-option]", this.#element)) options[option] = ariaPressed === "true";
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
  const probe = document.createElement("span");
  probe.style.color = `var(${token}, Highlight)`;
  element.append(probe);
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return `#${parts.map(n => Math.round(n).toString(16).padStart(2, "0")).join("")}`;
}
