// The intermediate page: it binds a new login to a key of this origin, or presents the existing key, and continues to
// the requested page.

import { find, remember, remembered, thisTab } from "./dom.js";
import { asked, call, key, makeKey, openings, pass, root, withPass } from "./key.js";

const { claim } = document.body.dataset;
const maxOpenings = { times: 6, within: 10_000 };

// address is the requested page; a login is completed at the one that was asked for before it.
function address() {
  if (!claim) return location.href;
  const before = remembered(asked, thisTab) ?? "";
  remember(asked, null, thisTab);
  return new URL(root + (/^\/(?!\/)/.test(before) ? before : "/"), location.origin).href;
}

function show(text) {
  find("#opening").textContent = text;
  find("#again").hidden = false;
}

// looping reports whether this tab is in a loop: passes are requested and refused repeatedly.
function looping() {
  const now = Date.now();
  const last = JSON.parse(remembered(openings, thisTab) ?? "[]").filter((at) => now - at < maxOpenings.within);
  remember(openings, JSON.stringify([...last, now]), thisTab);
  return last.length >= maxOpenings.times;
}

// bindKey makes the server accept a new key, and returns the first pass.
async function bindKey() {
  if (!makeKey()) return "";
  const answer = await call(`${root}/session/key`, { method: "POST", body: new URLSearchParams({ claim }) });
  if (!answer.ok) throw Object.assign(new Error("not bound"), { status: answer.status });
  return (await answer.json()).pass;
}

async function start() {
  find("#again").hidden = true;
  if (looping()) return show("Convoy could not open this page. Wait a few seconds, then try again.");
  if (!claim && !key()) return location.replace(`${root}/login?why=key`);
  try {
    const first = claim ? await bindKey() : await pass();
    if (first) return location.replace(withPass(address(), first));
    find("#opening").hidden = true;
    find("#plain").hidden = false;
  } catch ({ status }) {
    if (status === 401 || status === 409) return location.replace(`${root}/login?why=${claim ? "claim" : "key"}`);
    show("Convoy cannot be reached. Try again when the connection is back.");
  }
}

find("#again").addEventListener("click", start);
addEventListener("pageshow", ({ persisted }) => persisted && start());
start();
