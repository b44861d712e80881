// The page with all recordings: local times, and deleting one.

import { all, find } from "./dom.js";
import { ask, confirm } from "./notices.js";

for (const time of all("time[datetime]")) time.textContent = new Date(time.dateTime).toLocaleString();

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-action]");
  if (button?.dataset.action === "dismiss") button.closest(".notice").remove();
  if (button?.dataset.action !== "remove") return;
  const row = button.closest("tr");
  const { name, src } = button.dataset;
  if (!await confirm(`Delete ${name}?`, "This deletes the recording for everyone. You cannot undo it.", "Delete")) return;
  if (!await ask("DELETE", src)) return;
  const near = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  if (near) return find("a", near).focus();
  find(".frame").remove();
  find(".ghost").hidden = false;
  find(".ghost a").focus();
});
