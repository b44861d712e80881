// What the fleet waits for, in the page's title and icon: the number of shells that wait, and the least progress.

import { find } from "./dom.js";

const { title } = document;
const icon = find("link[rel=icon]");
const plain = icon.getAttribute("href");

/** showAttention shows what the header of the list of nodes reports. */
export function showAttention() {
  const { waiting, progress } = find("#fleet").dataset;
  const text = [waiting && `(${waiting})`, progress && `${progress} %`, title].filter(Boolean).join(" ");
  if (document.title !== text) document.title = text;
  const href = waiting ? icon.dataset.waiting : plain;
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}
