// Code blocks in the guide and in runbooks: copying one, and running one in a shell of the console.

import { copied } from "./commands.js";
import { all, find, remember, stamp, thisTab } from "./dom.js";
import { go, root } from "./key.js";

const shells = { convoy: "Convoy shell", sh: "system shell" };
const kinds = { convoy: "convoy", sh: "system" }; // of shells, by block kind
const shownFor = 2000; // ms

/** textOf is a block's code. */
export const textOf = (figure) => find("code", figure).textContent.trimEnd();

const dialog = find("#run-in");
let asked = null; // the block of the dialog

for (const figure of all("figure.code")) equip(figure);

function equip(figure) {
  const bar = stamp("code-bar-template");
  const { kind, step } = figure.dataset;
  if (kind) find(".code-what", bar).textContent = shells[kind];
  else find("[data-action=run-in]", bar).remove();
  if (kind) figure.setAttribute("aria-label", `Step ${step}, for the ${shells[kind]}`);
  figure.prepend(bar);
}

async function copy(button) {
  if (!await copied(textOf(button.closest("figure")))) return;
  button.toggleAttribute("data-done", true);
  find("#code-said").textContent = "Copied.";
  setTimeout(() => {
    button.removeAttribute("data-done");
    find("#code-said").textContent = "";
  }, shownFor);
}

// choose asks for the node whose shell runs a block.
async function choose(figure) {
  asked = figure;
  find("[data-what]", dialog).textContent = `Convoy types the block into the node's ${shells[figure.dataset.kind]}, and presses Enter.`;
  find("[data-none]", dialog).textContent = "";
  find("[data-nodes]", dialog).replaceChildren();
  dialog.showModal();
  await window.htmx.ajax("GET", `${root}/nodes?choose=1`, { target: find("[data-nodes]", dialog) });
  if (!find("li", dialog)) find("[data-none]", dialog).textContent = "Convoy cannot be reached. Try again when the connection is back.";
  find(".choice", dialog)?.focus();
}

// handOver leaves the block to the console's page (runin.js).
function handOver(node) {
  const run = { node, kind: kinds[asked.dataset.kind], text: textOf(asked) };
  if (remember("convoy-run", JSON.stringify(run), thisTab)) return go(`${root}/`);
  find("[data-none]", dialog).textContent = "Your browser does not let this page pass the block on. Copy it, and paste it into a shell.";
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-action], .choice");
  if (button?.dataset.action === "copy-code") copy(button);
  if (button?.dataset.action === "run-in") choose(button.closest("figure"));
  if (button?.classList.contains("choice")) handOver(button.dataset.node);
});
