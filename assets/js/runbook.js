// The page of a runbook: a run ends with it, and its results outlive a reload of the tab.

import "./code.js";
import { all, find, remember, remembered, thisTab } from "./dom.js";
import { call } from "./key.js";

const figures = all("figure.code[data-kind]");
for (const figure of figures) {
  const what = find(".code-what", figure);
  what.textContent = `Step ${figure.dataset.step} · ${what.textContent}`;
  find(".code-acts", figure).append(find("[data-action=run-step]", figure));
}

// The step that has just begun comes into view.
document.addEventListener("htmx:after:swap", () => {
  const begun = find("[data-begun]");
  begun?.previousElementSibling.scrollIntoView({ block: "nearest" });
  begun?.removeAttribute("data-begun");
});

// A run ends with its page. Without this, the server notices later that the page does not ask for its progress.
addEventListener("pagehide", () => {
  if (find("#run-poll[hx-get]")) call(find("#run-stop").getAttribute("hx-delete"), { method: "DELETE", keepalive: true });
});

// --- results, kept in this tab ---

const { runbook } = find(".runbook").dataset;
const keyOf = (figure) => `convoy-runbook ${runbook} ${find("code", figure).textContent}`;
const placesOf = ({ dataset: { step } }) => [find(`#results-${step}`), find(`#mark-${step}`)];

addEventListener("pagehide", () => {
  for (const figure of figures) {
    const places = placesOf(figure);
    if (places[0].hidden || find(".result-wait", places[0])) continue;
    places[0].dataset.old = "";
    remember(keyOf(figure), JSON.stringify(places.map((place) => place.outerHTML)), thisTab); // if there is room
  }
});

for (const figure of figures) {
  const kept = JSON.parse(remembered(keyOf(figure), thisTab) ?? "[]");
  for (const [i, place] of placesOf(figure).entries()) if (kept[i]) place.outerHTML = kept[i];
}
