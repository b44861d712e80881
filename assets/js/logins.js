// The page with logins and API tokens: local times, ending logins, creating tokens.

import { copyText } from "./copy.js";
import { all, find } from "./dom.js";
import { forget } from "./key.js";
import { ask, confirm, notice } from "./notices.js";

for (const time of all("time[datetime]")) {
  const at = new Date(time.dateTime);
  time.textContent = at.toLocaleString([], { dateStyle: "medium", ...(time.closest(".until") ? {} : { timeStyle: "short" }) });
  time.title = at.toLocaleString();
}

async function end(button) {
  const { src, title, text } = button.dataset;
  if (!await confirm(title, text, "End") || !await ask("DELETE", src)) return;
  const row = button.closest("tr");
  const near = find("button", row.nextElementSibling ?? row.previousElementSibling ?? document.createElement("i"));
  row.remove();
  (near ?? find("#main")).focus();
}

const actions = {
  end,
  dismiss: (button) => button.closest(".notice").remove(),
  async copy() {
    const copied = await copyText(find("#token-text").value);
    notice(copied ? "info" : "error", copied ? "Copied." : "Your browser does not allow this page to copy. Select the text and copy it yourself.");
  },
  async everywhere() {
    const yes = await confirm("Log out everywhere?", "This ends all your logins, including this one. API tokens stay valid.", "Log out");
    if (!yes || !await ask("DELETE", "/logins")) return;
    forget();
    location.assign("/login");
  },
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-action]");
  if (button) actions[button.dataset.action]?.(button);
});

find("#token-make")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const { name, role, days } = Object.fromEntries(new FormData(form));
  const made = await ask("POST", "/tokens", { name, role, days: Number(days) });
  if (!made) return;
  form.reset();
  find(".none")?.remove();
  find("#token-made").hidden = false;
  find("#token-text").value = made.token;
  find("#token-text").select();
  find("#token-text").focus();
});
