// What each page with htmx needs: questions before a command, its errors, the focus after it, and buttons that copy a
// text.

import { copyText } from "./copy.js";
import { find } from "./dom.js";
import { loggedOut } from "./key.js";
import { confirm, notice } from "./notices.js";

document.addEventListener("htmx:confirm", (event) => {
  event.preventDefault();
  const { ctx, issueRequest, dropRequest } = event.detail;
  const { askTitle, askYes } = ctx.sourceElement.dataset;
  confirm(askTitle, ctx.confirm, askYes).then((yes) => (yes ? issueRequest() : dropRequest()));
});

/** command sends a request whose answer is a notice, a question or nothing. */
export async function command(method, path, values = {}) {
  const source = document.body.appendChild(document.createElement("i")); // one element sends one request at a time
  await window.htmx.ajax(method, path, { source, target: "#notices", swap: "beforeend", values });
  source.remove();
}

// What the server sends for a dialog shows it. What was fetched ends with it, such as a list that refreshes.
document.addEventListener("htmx:after:swap", ({ detail: { ctx: { target, sourceElement } } }) => {
  const place = typeof target === "string" ? find(target) : target; // the server may choose it
  const dialog = place?.isConnected && place.matches("dialog, [data-fetched]") && place.closest("dialog");
  if (!dialog || dialog.open) return;
  if (place.matches("[data-fetched]") && dialog.contains(sourceElement)) return place.replaceChildren(); // closed since
  dialog.showModal();
  find(".shell-go", dialog)?.focus();
});
document.addEventListener("close", ({ target }) => {
  (target.matches("[data-fetched]") ? target : find("[data-fetched]", target))?.replaceChildren();
}, { capture: true });
document.addEventListener("htmx:before:request", ({ detail }) => detail.ctx.sourceElement.closest("#asked")?.close());

document.addEventListener("htmx:before:swap", (event) => {
  const { response, hx } = event.detail.ctx;
  if (response?.status === 401) loggedOut();
  if (!response || response.status < 400 || hx?.retarget) return;
  event.preventDefault(); // not our response: a proxy's error page
  notice("error", "Convoy did not answer", `A proxy answered with status ${response.status}.`);
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.response) return;
  notice("error", "Convoy cannot be reached", "Nothing was done. Try again when the connection is back.");
});

// The last focused element, and its card: a swap may remove the element, or a request disable it.
const focus = { element: null, card: "" };
document.addEventListener("focusin", ({ target }) => {
  focus.element = target;
  focus.card = target.closest(".node")?.id ?? "";
  if (target.matches("input[readonly]")) target.select();
});
document.addEventListener("htmx:after:swap", () => {
  const { element, card } = focus;
  if (!element || document.activeElement !== document.body || (element.isConnected && !element.disabled)) return;
  const near = find("dialog[open] button") ?? find(`#${card || "main"} .name`) ?? find("#main");
  near.focus({ preventScroll: true });
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const field = find(button.dataset.copy);
  if (await copied(field.value)) notice("info", "Copied.");
  else field.focus();
});

/** copied copies text, or explains that the browser refuses it. It resolves to whether it is copied. */
export async function copied(text) {
  const done = await copyText(text);
  if (!done) notice("error", "Your browser does not allow this page to copy.", "Select the text and copy it yourself.");
  return done;
}
