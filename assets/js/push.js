// The service worker of this console (worker.js), and notifications to this browser while no page is open.

import { find } from "./dom.js";
import { root } from "./key.js";

const workers = navigator.serviceWorker; // missing without HTTPS, except on localhost

const reasons = {
  missing: "This browser can get no notifications here. They need HTTPS, or localhost. On an iPhone or iPad, add Convoy " +
    "to the home screen first.",
  denied: "This browser blocks notifications from Convoy. Allow them in its settings for this site.",
  failed: "This browser cannot reach its push service. Try again later.",
};

const register = () => workers.register(
  `${root}/worker.js?build=${document.body.dataset.build}`, { scope: `${root}/`, updateViaCache: "none" },
);

/** install registers the service worker of this build. */
export function install() {
  if (!workers) return;
  register().catch(() => {}); // the next page tries again
  workers.addEventListener("message", ({ data }) => { location.hash = data; }); // of a notification that was clicked
}

/** subscribe makes this browser get notifications (push.html), and sends the form that tells the server. */
export async function subscribe({ form }) {
  const button = find("button", form);
  button.disabled = true;
  try {
    const { endpoint, keys } = await subscription(form.dataset.key);
    for (const [name, value] of Object.entries({ endpoint, ...keys })) form.elements[name].value = value;
    form.requestSubmit();
  } catch ({ message }) {
    find("p", form).textContent = reasons[message] ?? reasons.failed;
    button.disabled = false;
  }
}

// subscription subscribes with the server's key of now.
async function subscription(applicationServerKey) {
  if (!workers || !globalThis.Notification || !globalThis.PushManager) throw new Error("missing");
  if (await Notification.requestPermission() !== "granted") throw new Error("denied");
  await register();
  const { pushManager } = await workers.ready;
  await (await pushManager.getSubscription())?.unsubscribe();
  return (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey })).toJSON();
}
