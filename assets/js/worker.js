// The service worker (docs/protocol.md, "Browsers"): it shows notifications while no page is open, and the offline page
// while the console cannot be reached. It keeps that page and its assets, and nothing that needs a login.

const { searchParams } = new URL(location);
const root = new URL(registration.scope).pathname.slice(0, -1);
const assets = `${root}/assets/${searchParams.get("build")}/`;
const offline = `${root}/offline`;
const files = ["dist/page.css", "dist/theme.js", "dist/offline.js", "favicon.svg", "icons.svg", "icon-192.png"];
const mine = `convoy ${root} `; // caches, by build
const kept = mine + searchParams.get("build");

addEventListener("install", (event) => event.waitUntil(install(event)));
addEventListener("activate", (event) => event.waitUntil(activate()));

// Only pages pass this worker, and only in browsers that let it say so (Static Routing API). Elsewhere each key would
// pass it, and start it when it rests, and what a page sends when it is left would be lost: there is no offline page.
const routed = "addRoutes" in globalThis.InstallEvent.prototype;

async function install(event) {
  if (routed) await event.addRoutes([
    { condition: { requestMode: "navigate" }, source: "fetch-event" },
    { condition: { urlPattern: new URLPattern({ pathname: `${assets}*` }) }, source: { cacheName: kept } },
    { condition: { urlPattern: new URLPattern({}) }, source: "network" },
  ]);
  await (await caches.open(kept)).addAll([offline, ...files.map((file) => assets + file)]);
  await skipWaiting(); // it serves pages of any build
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(mine) && name !== kept).map((name) => caches.delete(name)));
  await registration.navigationPreload?.enable();
  await clients.claim();
}

// A page comes by the browser's own request, the preload: it does not wait for this worker, and tells the server which
// site has caused it. Without preloads, there is no offline page.
if (routed && registration.navigationPreload) addEventListener("fetch", (event) => {
  const { mode, method } = event.request;
  if (mode === "navigate" && method === "GET") event.respondWith(open(event));
});

async function open({ request, preloadResponse }) {
  try {
    return (await preloadResponse) ?? (await fetch(request.url, { mode: "same-origin", credentials: "omit", redirect: "manual" }));
  } catch {
    return (await caches.match(offline, { cacheName: kept })) ?? Response.error();
  }
}

addEventListener("push", (event) => event.waitUntil(show(event.data.json())));

// show replaces the notification of the same shell. It stays until the user closes it: they may be away.
function show(message) {
  const { title, text, node, shell, pass } = message;
  const keys = /\b(enter|return|any key)\b/i.test(text) ? ["enter", "y", "n"] : ["y", "n", "enter"]; // most show two
  return registration.showNotification(title, {
    body: text,
    tag: `${node}/${shell}`,
    renotify: true,
    requireInteraction: true,
    icon: `${assets}icon-192.png`,
    data: message,
    actions: pass ? keys.map((action) => ({ action, title: action === "enter" ? "Enter" : action })) : [],
  });
}

addEventListener("notificationclick", (event) => {
  const { action, notification } = event;
  notification.close();
  event.waitUntil(action ? answer(notification.data, action) : go(notification.data));
});

// answer types a key, or shows why not.
async function answer(message, key) {
  const { node, shell, since, pass, title } = message;
  const path = `${root}/nodes/${encodeURIComponent(node)}/shells/${encodeURIComponent(shell)}/answer?pass=${pass}`;
  const options = { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams({ key, since }) };
  let why = "The console cannot be reached. Open the shell.";
  try {
    const response = await fetch(path, options);
    if (response.ok) return;
    why = response.status === 401 ? "This browser is no longer logged in." : (await response.json()).error;
  } catch {} // why has the reason
  await show({ ...message, title: `Not answered: ${title}`, text: why, pass: "" });
}

// go shows a shell in an open console, or opens one.
async function go({ node, shell }) {
  const place = `#${encodeURIComponent(node)}/${encodeURIComponent(shell)}`;
  const open = await clients.matchAll({ type: "window" });
  const console = open.find(({ url }) => new URL(url).pathname === `${root}/`);
  if (!console) return clients.openWindow(`${root}/${place}`);
  console.postMessage(place);
  return console.focus();
}
