// The page key (docs/protocol.md): a secret in this origin's storage which proves that a request comes from one of its
// pages. A cookie proves less: browsers send it to every port of its host.

import { remember, remembered, thisTab } from "./dom.js";

/** root is the path of this console, without a slash at its end: "", or that of -base-path. */
export const root = new URL("../../..", import.meta.url).pathname.slice(0, -1);

const slot = document.body.dataset.key ? `convoy-key.${document.body.dataset.key}` : ""; // "": this page needs no key
const stores = ["localStorage", "sessionStorage"]; // in private modes one or both may be missing

/** makeKey stores a new key, and returns it; "" if this browser stores nothing. */
export function makeKey() {
  const key = crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
  forget();
  return stores.some((store) => remember(slot, key, store)) ? key : "";
}

/** key is shared by all tabs of this origin; "" if there is none. It is read each time: a new login changes it. */
export function key() {
  return slot && stores.map((store) => remembered(slot, store)).find(Boolean) || "";
}

/**
 * forget deletes the key, and with it the service worker, its subscription and its cache: the login has ended. It
 * resolves when all are gone.
 */
export function forget() {
  for (const store of stores) remember(slot, null, store);
  return forgetWorker().catch(() => {}); // without it there is nothing to forget
}

const leaving = "convoy-leaving"; // this tab has logged out, and not forgotten everything yet

/** forgetLeft finishes what the page that logged out had no time for. */
export const forgetLeft = () => remembered(leaving, thisTab) && leave();

async function leave() {
  remember(leaving, "1", thisTab);
  await forget();
  remember(leaving, null, thisTab);
}

async function forgetWorker() {
  const worker = await navigator.serviceWorker.getRegistration(`${root}/`);
  if (worker?.scope === `${location.origin}${root}/`) await worker.unregister();
  for (const name of await caches.keys()) if (name.startsWith(`convoy ${root} `)) await caches.delete(name);
}

/** withKey adds the key to headers. */
export function withKey(headers = {}) {
  const have = key();
  return have ? { ...headers, "Convoy-Key": have } : headers;
}

/** call is fetch with the key, for paths of this server, which answers with JSON. Without a login, the page shows that. */
export async function call(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: withKey({ Accept: "application/json" }) });
  if (answer.status === 401) loggedOut();
  return answer;
}

/** loggedOut is called when a request finds that the login has ended. */
export const loggedOut = () => dispatchEvent(new Event("loggedout"));

/**
 * pass requests a pass for one document or stream, which send no headers; "" if this page needs none. It throws an
 * error, with the status of a refusal, or without one if the server cannot be reached.
 */
export async function pass(signal = AbortSignal.timeout(10_000)) {
  if (!slot) return "";
  const answer = await call(`${root}/session/pass`, { method: "POST", signal });
  if (!answer.ok) throw Object.assign(new Error("no pass"), { status: answer.status });
  return (await answer.json()).pass;
}

/** withPass adds a pass to an address, or replaces one. */
export function withPass(address, pass) {
  const url = new URL(address, location.href);
  const rest = url.search.slice(1).split("&").filter((part) => part && !part.startsWith("pass="));
  url.search = [...rest, ...(pass ? [`pass=${pass}`] : [])].join("&");
  return url.href;
}

/** asked is where this tab keeps the address that was asked for without a login, while the user logs in. */
export const asked = "convoy-asked";

/** pathAsked is the page's address without the console's root and without what must not be kept. */
export function pathAsked() {
  const url = new URL(location.href);
  for (const secret of ["token", "claim", "pass", "why"]) url.searchParams.delete(secret);
  return url.pathname.slice(root.length) + url.search + url.hash;
}

/** go opens another page of this console. Without a pass, the server asks for it by an intermediate page. */
export async function go(address) {
  location.assign(withPass(address, await pass().catch(() => "")));
}

/** download saves the response of an address, under the given name or the response's. */
export async function download(address, name = "") {
  const link = document.createElement("a");
  link.href = withPass(address, await pass().catch(() => ""));
  link.download = name;
  link.click();
}

export const openings = "convoy-opening"; // when this tab last used the intermediate page since its last other page

if (slot && !document.querySelector("#opening")) remember(openings, null, thisTab);

// A pass is valid once: the address that the user sees, copies, and reloads has none.
if (slot && location.search.includes("pass=")) history.replaceState(history.state, "", withPass(location.href, ""));

// Links within the console carry their pass, which saves the intermediate page.
const open = /^(login|assets|share|healthz)(\/|$)/; // need none
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const plainly = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!slot || !link || !plainly || event.defaultPrevented || link.target && link.target !== "_self") return;
  if (link.origin !== location.origin || !link.pathname.startsWith(`${root}/`)) return;
  if (open.test(link.pathname.slice(root.length + 1))) return;
  if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
  event.preventDefault();
  if (link.hasAttribute("download")) download(link.href, link.download);
  else go(link.href);
});

document.addEventListener("submit", async (event) => {
  const { target } = event;
  if (target.getAttribute("action") !== `${root}/logout`) return;
  event.preventDefault();
  await Promise.race([leave(), new Promise((late) => setTimeout(late, 1000))]);
  target.submit();
});

document.addEventListener("htmx:config:request", ({ detail }) => {
  const { request } = detail.ctx;
  request.headers = withKey(request.headers);
  if (request.method === "DELETE" && request.action === `${root}/logins`) forget(); // this login ends too
});
