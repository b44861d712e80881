// The few things that every script of the page does with the document.

export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// stamp makes a copy of a template's element.
export const stamp = (id) => find(`#${id}`).content.cloneNode(true).firstElementChild;

// set changes a text only if it is another: what does not change is not drawn, and not read out.
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// remembered and remember do without storage where it is switched off.
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // holds for this page only
  }
}

// sentence makes one of an error's text.
export const sentence = (text = "") => text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
