// The DOM helpers that all scripts of the page share.

export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// stamp clones a template's element.
export const stamp = (id) => find(`#${id}`).content.cloneNode(true).firstElementChild;

// set changes a text only if it differs: unchanged text is neither redrawn nor read out.
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// remembered and remember do without storage if it is disabled. storage is that of the browser, or of this tab. remember
// reports whether it worked; null is forgotten.
export const thisTab = "sessionStorage";
export function remembered(key, storage = "localStorage") {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

export function remember(key, value, storage = "localStorage") {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
    return true;
  } catch {
    return false; // this page only
  }
}

// sentence makes a sentence of an error's text.
export const sentence = (text = "") => text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
