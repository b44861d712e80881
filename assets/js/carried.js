// A stream that the shared or elected worker of this browser's pages receives (carrier.js), with the part of an
// EventSource's interface that Stream uses.

import { withKey, withPass } from "./key.js";

const patience = { first: 10, later: 4 }; // s without a sign of life from the worker
const worker = document.body.dataset.carrier; // its address, if this page may have one

// A page has its own connection for the stream if that costs the others nothing, or if there is no working worker.
// Without SharedWorker, as in some browsers and private modes, each page has a worker, of which one serves all pages.
const shared = typeof SharedWorker === "function";
let shares = worker && (shared || navigator.locks) && !multiplexed();
const own = []; // this page's worker

/** multiplexed reports whether all requests of this browser share one connection: HTTP/2 and later. */
export function multiplexed() {
  return /^h[23]/.test(performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");
}

/** hiddenLife is how long a hidden tab keeps its stream, in ms: not for long if it takes a connection from others. */
export const hiddenLife = () => (shares || multiplexed() ? 60_000 : 5000);

/** openSource opens a stream: its path is below base, and it needs a pass if that is not empty. */
export function openSource(base, stream, pass) {
  try {
    if (shares) return new Carried(base, stream, pass);
  } catch {
    shares = false; // this page may have no worker
  }
  return new EventSource(withPass(stream, pass));
}

class Carried extends EventTarget {
  #port;
  #hall; // where pages and the serving worker find each other, if it is not shared
  #request; // for the stream
  #met = false; // the worker has answered
  #silent = 0; // s
  #clock;

  constructor(base, stream, pass) {
    super();
    this.#request = { carrier: withPass(`${base}/carrier`, pass), stream, headers: withKey() };
    this.#port = shared ? this.#join() : this.#elect();
    this.#port.onmessage = ({ data: [event, data] }) => this.#take(event, data);
    this.#clock = setInterval(() => this.#ask(), 1000);
  }

  #join() {
    const joined = new SharedWorker(worker);
    joined.onerror = () => this.#fail();
    return joined.port;
  }

  // elect finds the worker that serves, now or once another page closes. It asks for pages, by an empty message, when it
  // begins to serve.
  #elect() {
    if (!own.length) own.push(new Worker(worker));
    const id = crypto.randomUUID();
    this.#hall = new BroadcastChannel(worker);
    this.#hall.onmessage = ({ data }) => {
      if (data) return; // another page's
      if (this.#met) this.onerror?.();
      else this.#hall.postMessage(id);
    };
    this.#hall.postMessage(id);
    return new BroadcastChannel(id);
  }

  close() {
    clearInterval(this.#clock);
    this.#port.postMessage("close");
    this.#port.close();
    this.#hall?.close();
  }

  // ask shows the worker that this page lives, and notices when the worker has crashed.
  #ask() {
    if (this.#silent++ < (this.#met ? patience.later : patience.first)) this.#port.postMessage("alive");
    else if (this.#met) this.onerror?.();
    else this.#fail();
  }

  #take(event, data) {
    this.#met = true;
    this.#silent = 0;
    if (event === "ready") this.#port.postMessage(this.#request);
    else if (event === "open") this.onopen?.();
    else if (event === "error") this.onerror?.();
    else if (event !== "alive") this.dispatchEvent(new MessageEvent(event, { data }));
  }

  // fail makes this page open its own streams from now on.
  #fail() {
    shares = false;
    this.onerror?.();
  }
}
