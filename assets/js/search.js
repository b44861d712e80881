// The find bar at the top right of a terminal (shell_pane.html).

import { all, find } from "./dom.js";

const highlighted = 1000; // matches that are highlighted and counted

/**
 * newSearch makes the find bar of a terminal, element. open() shows the bar. older() fetches the part of the shell's history that the page
 * lacks; leave() returns the focus.
 */
export function newSearch({ element, term, older, leave }) {
  let addon = null;
  const input = find("input", element);
  const count = find(".find-count", element);
  input.addEventListener("input", () => search("next", true));
  element.addEventListener("keydown", press);
  element.addEventListener("click", ({ target }) => choose(target.closest("button")));

  /** open shows the bar, with the terminal's selection. */
  async function open() {
    element.hidden = false;
    const selected = term.getSelection();
    if (selected && !selected.includes("\n")) input.value = selected;
    input.focus();
    input.select();
    if (!addon) {
      const { SearchAddon } = await import("../vendor/xterm-addon-search/addon-search.mjs");
      if (addon) return;
      addon = new SearchAddon({ highlightLimit: highlighted });
      addon.onDidChangeResults(({ resultIndex, resultCount }) => showCount(resultIndex, resultCount));
      term.loadAddon(addon);
    }
    older();
    again();
  }

  /** again repeats the search from the same place: the terminal's content or look has changed. */
  function again() {
    if (!element.hidden) search("next", true);
  }

  /** close removes the bar and the highlights. */
  function close() {
    element.hidden = true;
    addon?.clearDecorations();
    term.clearSelection();
    leave();
  }

  function press(e) {
    if (e.key === "Escape") close();
    else if (e.key === "Enter" && e.target === input) search(e.shiftKey ? "previous" : "next");
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  function choose(button) {
    if (!button) return;
    if (button.dataset.find === "close") return close();
    if (button.dataset.find) return search(button.dataset.find);
    button.ariaPressed = String(button.ariaPressed !== "true");
    addon?.clearDecorations(); // the add-on updates highlights for another text, but not for another option
    search("next", true);
  }

  function search(way, incremental = false) {
    const text = input.value;
    const options = { incremental, decorations: marks(term.element) };
    for (const { dataset: { option }, ariaPressed } of all("[data-option]", element)) options[option] = ariaPressed === "true";
    const wrong = options.regex && text ? problem(text) : "";
    input.ariaInvalid = String(!!wrong);
    if (!addon) return;
    if (!text || wrong) {
      addon.clearDecorations();
      term.clearSelection();
      count.textContent = wrong && "invalid";
      count.title = wrong;
      return;
    }
    count.title = "";
    if (way === "next") addon.findNext(text, options);
    else addon.findPrevious(text, options);
  }

  function showCount(index, all) {
    if (input.ariaInvalid === "true" || !input.value) return;
    count.textContent = !all ? "none" : index < 0 ? `${all}+` : `${index + 1} of ${all}`;
  }

  return { open, again, close };
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
