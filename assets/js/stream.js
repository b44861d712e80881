// The one event stream of a tab (docs/protocol.md, "The stream").
//
//   const stream = new Stream({ viewer: newViewer(), onState });
//   stream.on('nodes', html => …);
//   stream.follow('convoy@host/9k2m4x7qpa', -1, sink);
//
// It opens in the next turn of the event loop, and stays open: it reopens a lost connection with the offsets reached.
// The browser's own reconnecting is not used: it would repeat the first address, with the first offsets and the pass,
// which is valid once.

import { hiddenLife, openSource } from "./carried.js";
import { call, pass, root } from "./key.js";

const backoff = { first: 200, max: 10_000 }; // ms
const silenceFactor = 3; // missing heartbeats that are tolerated
const fromHistory = -3; // the offset that requests the screen with its history
const connectTimeout = 15_000; // ms until the server must have sent hello
const events = [
  "hello", "nodes", "changes", "output", "text", "reset", "size", "presence", "exit", "lost", "gone", "log", "stats", "notice", "hb",
];

/** newViewer returns a random viewer name. Each page load uses one. */
export function newViewer() {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

/** shellPath is a shell's address below its node. Names need escaping only if hostile; '@' stays. */
export function shellPath(node, shell) {
  return `${root}/nodes/${segment(node)}/shells/${segment(shell)}`;
}

const segment = part => encodeURIComponent(part).replaceAll("%40", "@");

/**
 * Stream is a tab's stream.
 *
 * onState(state, ms) reports its state: 'connecting', 'open', 'waiting' (for ms until the next attempt), 'offline' (the
 * same, without a network), 'hidden' (closed because the tab is hidden), 'loggedout' (until reconnect is called).
 *
 * Events carry what their name says: 'nodes' an HTML string, 'hb' a number, 'output' {shell, off, bytes}, all others
 * their JSON, with bytes for base64. One event is our own: 'down', when an open stream is lost.
 */
export class Stream {
  /** state is the last one that onState reported; watches: this viewer is view-only. Both are to be read. */
  state = "";
  watches;

  /** window is how far the server's output may be ahead of acknowledgements, in bytes. */
  window = 256 * 1024;

  #viewer;
  #name;
  #onState;
  #want;
  #base;
  #source = null;
  #id = ""; // from hello; '' while not open
  #listeners = new Map(); // event → functions
  #follows = new Map(); // key → {off, sink, asked: id of the stream that was asked}
  #logs = new Map(); // node → 'BOOT:OFF'
  #attempt = 0;
  #retry = 0; // timers
  #silence = 0;
  #hide = 0;
  #hidden = false; // closed until the tab is visible
  #lastEvent = 0; // time of the last event
  #timeout = connectTimeout;
  #closed = false;
  #asking = null; // AbortController of the request for a pass, while in progress
  #pass = document.body.dataset.pass ?? ""; // from the page, for the first connection
  #list = document.body.dataset.list ?? ""; // of nodes, which the page shows: the first connection gets what has changed
  #aborter = new AbortController();

  // base is the stream's path for a share link. name is shown to other viewers.
  constructor({ viewer, name = "", watch = false, onState = () => {}, want = "", base = root }) {
    this.#viewer = viewer;
    this.#base = base;
    this.#name = name;
    this.watches = watch;
    this.#onState = onState;
    this.#want = want;
    const until = { signal: this.#aborter.signal };
    addEventListener("online", () => this.reconnect(), until);
    addEventListener("loggedout", () => this.#setState("loggedout"), until);
    addEventListener("pagehide", () => this.#drop(), until);
    addEventListener("pageshow", e => e.persisted && this.reconnect(), until);
    document.addEventListener("visibilitychange", () => this.#visibility(), until);
    this.#retry = setTimeout(() => {
      this.#visibility(); // the tab may have been opened in the background
      this.reconnect();
    }, 0);
  }

  /** name is shown to other viewers. */
  get name() { return this.#name; }

  /** rename changes the viewer's name: the stream is reopened, and continues where it was. */
  rename(name) {
    if (name === this.#name) return;
    this.#name = name;
    if (this.#source) this.#connect();
  }

  /** wantLog requests the logs of all nodes too: the stream is reopened, and continues where it was. */
  wantLog() {
    if (this.#want !== "nodes") return;
    this.#want = "";
    if (this.#source) this.#connect();
  }

  /** on calls fn with the content of every event of that name, until the returned function is called. */
  on(event, fn) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(fn);
    return () => this.#listeners.get(event).delete(fn);
  }

  /**
   * follow requests a shell's events from offset from (-1: the oldest kept byte; -2: the current screen). They go to
   * sink, an object with methods called like the events, and to the listeners.
   * Following a shell again makes the server start at from again.
   */
  follow(key, from = -1, sink = this.#follows.get(key)?.sink) {
    this.#follows.set(key, { off: from, sink, asked: "" });
    if (this.#id) this.#register(key);
  }

  /**
   * recall requests a followed shell's screen with its whole history, which arrives as a reset. It returns whether that
   * is coming. If not, nothing changes.
   */
  async recall(key) {
    if (!this.#id || !this.#follows.has(key)) return false;
    try {
      return (await call(`${this.#address(key)}?from=${fromHistory}`, { method: "POST" })).ok;
    } catch {
      return false;
    }
  }

  /** unfollow stops following a shell. */
  unfollow(key) {
    const follow = this.#follows.get(key);
    if (!follow) return;
    this.#follows.delete(key);
    if (this.#id && follow.asked) call(this.#address(key), { method: "DELETE" }).catch(() => {});
  }

  /** offset records that a shell's bytes before off have arrived: a new connection continues there. */
  offset(key, off) {
    const follow = this.#follows.get(key);
    if (follow) follow.off = off;
  }

  /** reconnect opens the stream immediately if it is not open. */
  reconnect() {
    if (this.#closed || this.#hidden || this.#source || this.#asking) return;
    this.#attempt = 0;
    this.#connect();
  }

  /** close ends the stream permanently. */
  close() {
    this.#closed = true;
    this.#drop();
    this.#aborter.abort();
  }

  async #connect() {
    clearTimeout(this.#retry);
    this.#drop();
    if (this.#closed) return;
    this.#setState("connecting");
    const asking = this.#asking = new AbortController();
    const signal = AbortSignal.any([asking.signal, AbortSignal.timeout(connectTimeout)]);
    const first = this.#pass;
    this.#pass = "";
    const { pass: got, status } = first ? { pass: first } : await pass(signal).then((pass) => ({ pass }), (error) => error);
    if (asking.signal.aborted) return;
    this.#asking = null;
    if (got !== undefined) this.#listenTo(got);
    else if (status === 401) this.#setState("loggedout");
    else this.#later();
  }

  // listenTo opens the stream, with a pass if the page needs one.
  #listenTo(pass) {
    const source = openSource(this.#base, this.#url(), pass);
    this.#source = source;
    let answered = false;
    source.onopen = () => { answered = true; };
    source.onerror = () => this.#lost(source, answered);
    for (const event of events) {
      source.addEventListener(event, ({ data }) => source === this.#source && this.#take(event, data)); // else it is late
    }
    this.#timeout = connectTimeout;
    this.#lastEvent = performance.now();
    this.#silence = setInterval(() => this.#watch(source), 1000);
  }

  #url() {
    const query = new URLSearchParams({ viewer: this.#viewer, text: "1" });
    if (this.#want) query.set("want", this.#want);
    if (this.#name) query.set("name", this.#name);
    if (this.#list) query.set("list", this.#list);
    if (this.watches) query.set("watch", "1");
    for (const [key, follow] of this.#follows) {
      query.append("shell", `${key}@${follow.off}`);
      follow.asked = "url";
    }
    for (const [node, at] of this.#logs) query.append("log", `${node}@${at}`);
    return `${this.#base}/stream?${query}`;
  }

  #take(event, data) {
    this.#lastEvent = performance.now();
    const content = decode(event, data);
    if (event === "text") event = "output";
    if (event === "hello") this.#begin(content);
    if (event === "log") this.#logs.set(content.node, `${content.boot}:${content.next}`);
    const sink = this.#follows.get(content.shell)?.sink;
    if (event === "gone") this.#follows.delete(content.shell);
    sink?.[event]?.(content);
    for (const fn of this.#listeners.get(event) ?? []) fn(content);
  }

  #begin({ stream, window, heartbeat }) {
    this.#id = stream;
    this.window = window;
    this.#timeout = silenceFactor * 1000 * heartbeat;
    this.#attempt = 0;
    this.#list = "";
    this.#setState("open");
    for (const [key, follow] of this.#follows) {
      if (follow.asked === "url") follow.asked = stream;
      else this.#register(key); // added while connecting
    }
  }

  // register requests a shell from the open stream, and retries while that fails and the stream lasts. Not found (404) may
  // mean that the stream has just ended; otherwise the shell is gone.
  async #register(key, wait = 250) {
    const follow = this.#follows.get(key);
    const id = this.#id;
    if (!follow || !id || follow.asked === id) return;
    follow.asked = id;
    const again = () => this.#id === id && this.#follows.get(key) === follow;
    try {
      const answer = await call(`${this.#address(key)}?from=${follow.off}`, { method: "POST" });
      if (answer.ok || !again()) return;
      if (answer.status === 404 && wait > 1000) {
        this.#follows.delete(key);
        return follow.sink?.gone?.({ error: "this shell no longer exists" });
      }
    } catch { /* a network error is like a refusal */ }
    await new Promise(resolve => setTimeout(resolve, wait));
    if (!again()) return; // a new stream has it in its address
    follow.asked = "";
    this.#register(key, Math.min(2 * wait, 4000));
  }

  #address(key) {
    const cut = key.lastIndexOf("/");
    return `${this.#base}/streams/${this.#id}/shells/${segment(key.slice(0, cut))}/${segment(key.slice(cut + 1))}`;
  }

  // watch closes a source that has been silent for too long.
  #watch(source) {
    if (performance.now() - this.#lastEvent > this.#timeout) this.#lost(source, true);
  }

  // lost closes a source and plans the next attempt. One that never answered may have been refused: a probe shows it.
  async #lost(source, answered) {
    if (source !== this.#source) return;
    this.#drop();
    if (!answered && await refused(this.#base)) {
      if (!this.#source && !this.#asking) this.#setState("loggedout");
      return;
    }
    if (this.#closed || this.#hidden || this.#source || this.#asking) return; // another call has already opened one
    this.#later();
  }

  // later plans the next attempt.
  #later() {
    const limit = Math.min(backoff.max, backoff.first * 2 ** this.#attempt++);
    const ms = Math.round(limit * (0.5 + Math.random() / 2));
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), ms);
    this.#setState(navigator.onLine ? "waiting" : "offline", ms);
  }

  // drop closes the source, if any, without planning another.
  #drop() {
    clearInterval(this.#silence);
    clearTimeout(this.#retry);
    this.#asking?.abort();
    this.#asking = null;
    this.#source?.close();
    this.#source = null;
    if (!this.#id) return;
    this.#id = "";
    for (const fn of this.#listeners.get("down") ?? []) fn();
  }

  // visibility closes the stream of a tab that stays hidden. Nothing but its being visible opens it again.
  #visibility() {
    clearTimeout(this.#hide);
    if (document.visibilityState === "visible") {
      this.#hidden = false;
      this.reconnect();
      return;
    }
    this.#hide = setTimeout(() => {
      this.#hidden = true;
      this.#drop();
      if (this.state !== "loggedout") this.#setState("hidden");
    }, hiddenLife());
  }

  #setState(state, ms = 0) {
    if (state === this.state && !ms) return;
    this.state = state;
    this.#onState(state, ms);
  }
}

// refused reports whether the server answers and requires a login, or that the share link has ended.
async function refused(base) {
  try {
    const answer = await call(base === root ? `${root}/nodes` : base, { signal: AbortSignal.timeout(5000) });
    return answer.status === 401 || base !== root && [404, 410].includes(answer.status);
  } catch {
    return false;
  }
}

// decode parses an event's single line of data.
function decode(event, data) {
  switch (event) {
    case "nodes":
    case "changes": return data;
    case "hb": return Number(data);
    case "output": {
      const [shell, off, text] = data.split(" ", 3);
      return { shell, off: Number(off), bytes: Uint8Array.fromBase64(text) };
    }
    case "reset": {
      const { screen, ...reset } = JSON.parse(data);
      return { ...reset, screen: screen && Uint8Array.fromBase64(screen) };
    }
    case "text": {
      const [start, shell, off] = /^(\S+) (\d+) /.exec(data);
      return { shell, off: Number(off), bytes: encoder.encode(unescaped(data.slice(start.length))) };
    }
    default: return JSON.parse(data);
  }
}

const encoder = new TextEncoder();
const escapes = { n: "\n", r: "\r", e: "\x1e", f: "\x1f" };

// unescaped restores the control characters of a text event (docs/protocol.md, "Output").
function unescaped(text) {
  text = text.replaceAll("\x1e", "\r\n");
  return text.includes("\x1f") ? text.replace(/\x1f([nref])/g, (_, letter) => escapes[letter]) : text;
}
