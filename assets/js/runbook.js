// The page of a runbook: a run's updates are swapped as they come, and results outlive a reload of the tab.

import "./code.js";
import { all, find, remember, remembered, thisTab } from "./dom.js";

const figures = all("figure.code[data-kind]");
for (const figure of figures) {
  const what = find(".code-what", figure);
  what.textContent = `Step ${figure.dataset.step} · ${what.textContent}`;
  find(".code-acts", figure).append(find("[data-action=run-step]", figure));
}

// A run's answer is HTML in parts, each ended by a zero byte.
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (ctx.request.method !== "POST") return;
  ctx.fetch = async (path, request) => {
    const answer = await fetch(path, request);
    if (answer.ok) answer.text = () => swapParts(answer.body.pipeThrough(new TextDecoderStream()).getReader(), ctx);
    return answer;
  };
});

async function swapParts(reader, ctx) {
  let rest = "";
  for (let got = await reader.read(); !got.done; got = await reader.read()) {
    const parts = (rest + got.value).split("\0");
    rest = parts.pop();
    for (const text of parts) await window.htmx.swap({ ...ctx, text });
    const begun = find("[data-begun]");
    begun?.previousElementSibling.scrollIntoView({ block: "nearest" });
    begun?.removeAttribute("data-begun");
  }
  return rest;
}

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
