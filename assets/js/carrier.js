// The shared worker of this browser's pages: it receives the streams of all of them in one response, the carrier
// (docs/protocol.md, "Carriers"). Over HTTP/1.1 a browser has six connections to a host, and each stream takes one.
//
// Each connection to the worker is for one stream. The worker sends ["ready"]. The page (carried.js) sends {carrier,
// stream, headers}, which are two addresses and the headers that the stream needs, then "alive" every second, which the
// worker repeats, and "close". The worker sends [event, data] for each event, and ["open"] and ["error"].

const tolerated = 3; // missing heartbeats: of the server, and of a page that has crashed or is frozen
const timeout = 15_000; // ms for an answer

let carrier = null; // the open one, or the one that is being opened
let tags = 0;

/** Carrier is one response with the streams of several pages. */
class Carrier {
  #source;
  #pages = new Map(); // tag → Page
  #patience = timeout; // ms without an event
  #last = performance.now();
  #watch = setInterval(() => performance.now() - this.#last > this.#patience && this.#lose(), 1000);

  /** id resolves to the carrier's name when it is open. */
  id;

  constructor(address) {
    this.#source = new EventSource(address);
    this.id = new Promise((resolve) => this.#on("hello", (data) => {
      const { carrier: id, heartbeat } = JSON.parse(data);
      this.#patience = tolerated * 1000 * heartbeat;
      resolve(id);
    }));
    this.#on("carried", (text) => {
      const [tag, event] = text.split(" ", 2);
      this.#pages.get(tag)?.take(event, text.slice(tag.length + event.length + 2));
    });
    this.#on("hb", () => {});
    this.#source.onerror = () => this.#lose();
  }

  #on(event, fn) {
    this.#source.addEventListener(event, ({ data }) => {
      this.#last = performance.now();
      fn(data);
    });
  }

  add(tag, page) { this.#pages.set(tag, page); }

  /** remove forgets a page. A carrier without pages is closed. */
  remove(tag) {
    this.#pages.delete(tag);
    if (!this.#pages.size) this.#lose();
  }

  #lose() {
    clearInterval(this.#watch);
    this.#source.close();
    if (carrier === this) carrier = null;
    for (const page of this.#pages.values()) page.end();
  }
}

/** Page is one stream of a page. */
class Page {
  #port;
  #tag = String(++tags);
  #beats = 0; // heartbeats since the page's last message
  #ended = false;
  #on = null; // its carrier
  #request = null; // sends a request for the stream, once it may exist

  constructor(port) {
    this.#port = port;
    port.onmessage = ({ data }) => {
      this.#beats = 0;
      if (data === "alive") this.#send("alive");
      else if (data === "close") this.end();
      else this.#open(data);
    };
    port.onclose = () => this.end(); // the page has crashed; other browsers notice by the heartbeats
    this.#send("ready");
  }

  async #open({ carrier: address, stream, headers }) {
    this.#on = carrier ??= new Carrier(address);
    this.#on.add(this.#tag, this);
    const id = await this.#on.id;
    if (this.#ended) return;
    this.#request = (method) => fetch(`${stream}&as=${this.#tag}`, {
      method,
      headers: { ...headers, "Convoy-Carrier": id },
      signal: AbortSignal.timeout(timeout),
    }).catch(() => null);
    const answer = await this.#request("POST");
    if (this.#ended) this.#leave(); // the server may have missed it
    else if (answer?.ok) this.#send("open");
    else this.end();
  }

  /** take passes an event on to the page. */
  take(event, data) {
    const crashed = event === "hb" && this.#beats++ >= tolerated;
    if (event === "end" || crashed) this.end();
    else this.#send(event, data);
  }

  /** end ends the stream, on both sides. */
  end() {
    if (this.#ended) return;
    this.#ended = true;
    this.#send("error");
    this.#leave();
  }

  // leave ends the stream at the server, unless it ended with its carrier.
  #leave() {
    if (this.#on === carrier) this.#request?.("DELETE");
    this.#on?.remove(this.#tag);
  }

  #send(...message) { this.#port.postMessage(message); }
}

addEventListener("connect", ({ ports: [port] }) => new Page(port));

// Without shared workers, each page has one of its own, and the one that has the lock serves all. Each stream has a
// channel of the name that its page announces.
if (self.DedicatedWorkerGlobalScope) navigator.locks.request(location.pathname, serve);

function serve() {
  const hall = new BroadcastChannel(location.pathname);
  const known = new Set([""]);
  hall.onmessage = ({ data: id }) => {
    if (!known.has(id)) new Page(new BroadcastChannel(id));
    known.add(id);
  };
  hall.postMessage("");
  return new Promise(() => {}); // as long as the page lives
}
