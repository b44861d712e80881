// The page key (docs/protocol.md): a secret in the storage of this origin, that shows the server that a request comes
// from a page of it. A cookie alone shows less: browsers send it to every port of its host.

const slot = document.body.dataset.key ? `convoy-key.${document.body.dataset.key}` : ""; // "": this page needs no key
const stores = [() => localStorage, () => sessionStorage]; // in private modes one or both may be missing

/** makeKey keeps a new key, and returns it; "" if this browser stores nothing. */
export function makeKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const key = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  forget();
  for (const store of stores) {
    try {
      store().setItem(slot, key);
      return key;
    } catch { /* the next one */ }
  }
  return "";
}

/** key is what all tabs of this origin share; "" if there is none. It is read anew each time: a new login changes it. */
export function key() {
  for (const store of slot ? stores : []) {
    try {
      const key = store().getItem(slot);
      if (key) return key;
    } catch { /* the next one */ }
  }
  return "";
}

/** forget drops the key: the login is over. */
export function forget() {
  for (const store of stores) {
    try {
      store().removeItem(slot);
    } catch { /* it stores nothing */ }
  }
}

/** withKey are headers, and the key's. */
export function withKey(headers = {}) {
  const have = key();
  return have ? { ...headers, "Convoy-Key": have } : headers;
}

/** call is fetch with the key, for paths of this server. */
export function call(path, options = {}) {
  return fetch(path, { ...options, headers: withKey(options.headers) });
}

/**
 * pass asks for what lets one document or stream in, which carry no headers; "" if this page needs none. It throws an
 * error with the status of a refusal, without one if the server cannot be reached.
 */
export async function pass(signal = AbortSignal.timeout(10_000)) {
  if (!slot) return "";
  const answer = await call("/session/pass", { method: "POST", headers: { Accept: "application/json" }, signal });
  if (!answer.ok) throw Object.assign(new Error("no pass"), { status: answer.status });
  return (await answer.json()).pass;
}

/** withPass is an address with a pass in its query, in place of an older one. */
export function withPass(address, pass) {
  const url = new URL(address, location.href);
  const rest = url.search.slice(1).split("&").filter((part) => part && !part.startsWith("pass="));
  url.search = [...rest, ...(pass ? [`pass=${pass}`] : [])].join("&");
  return url.href;
}

/** go leads to another page of this console. Without a pass the server asks for it itself, by a page in between. */
export async function go(address) {
  location.assign(withPass(address, await pass().catch(() => "")));
}

/** download saves what an address answers, under a name, or the one that the answer gives. */
export async function download(address, name = "") {
  const link = document.createElement("a");
  link.href = withPass(address, await pass().catch(() => ""));
  link.download = name;
  link.click();
}

export const trips = "convoy-opening"; // when this tab came by the page in between since it was last at another

if (slot && !document.querySelector("#opening")) {
  try {
    sessionStorage.removeItem(trips);
  } catch { /* it stores nothing */ }
}

// A pass is good once: the address that the reader sees, copies and reloads is the one without.
if (slot && location.search.includes("pass=")) history.replaceState(history.state, "", withPass(location.href, ""));

// Links within the console take their pass along, which saves the page in between.
const open = /^\/(login|assets|share|healthz)(\/|$)/; // take none
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  const plainly = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!slot || !link || !plainly || event.defaultPrevented || link.target && link.target !== "_self") return;
  if (link.origin !== location.origin || open.test(link.pathname)) return;
  if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
  event.preventDefault();
  if (link.hasAttribute("download")) download(link.href, link.download);
  else go(link.href);
});

document.addEventListener("submit", ({ target }) => {
  if (slot && target.getAttribute("action") === "/logout") forget();
});

document.addEventListener("htmx:config:request", ({ detail }) => {
  const { request } = detail.ctx;
  request.headers = withKey(request.headers);
});
