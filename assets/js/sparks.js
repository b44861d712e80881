// What nodes use: the pictures on their cards, and cells in their rows. The list of nodes on the stream lacks them; this
// keeps them for cards and rows that it makes.

import { all } from "./dom.js";

const known = new Map(); // id of an element → draws it

/** showStats takes what a "stats" event has. */
export function showStats(list) {
  for (const { id, html, cells } of list) {
    draw(id, (sparks) => { sparks.innerHTML = html; });
    for (const { id, value, text } of cells) draw(id, (cell) => {
      cell.dataset.value = value;
      cell.replaceChildren(Object.assign(document.createElement("span"), { textContent: text }));
    });
  }
}

function draw(id, how) {
  known.set(id, how);
  const element = document.getElementById(id);
  if (element) how(element);
}

/** fillStats fills what a swap of nodes has added, and forgets what it has removed. */
export function fillStats() {
  for (const element of all(".sparks:empty, #rows [hx-morph-skip]:empty")) known.get(element.id)?.(element);
  for (const id of known.keys()) if (!document.getElementById(id)) known.delete(id);
}
