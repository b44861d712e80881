// What a page sends to one shell: input, acknowledgements and sizes
// (docs/protocol.md, "Shells").
//
// Input goes in numbered requests of which several are under way; the shell
// writes them in the order of their numbers and drops repeats. So a request
// whose answer was lost is sent again under its number, and no key is lost or
// doubled. What is typed while all places are taken goes together in the next.

import { call } from "./key.js";
import { shellPath } from "./stream.js";

const maxBody = 64 * 1024; // bytes in one request
const patience = 30_000; // ms until a request without an answer is sent again
const pause = { first: 100, most: 3000 }; // ms between attempts
const ackEvery = 1 / 4; // of the window

// Browsers open six connections per host on HTTP/1.1, and the stream takes one.
const places = /^h[23]/.test(performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "") ? 8 : 4;

// The next number by viewer and shell: a pane that is made anew goes on where the last one stopped.
const numbers = new Map();

/**
 * Input sends to one shell on behalf of one viewer.
 *
 * base is a share link's path, which is used in place of the shell's.
 * onEnded(text) is called once, when the shell takes no more; onTrouble(text)
 * when something was refused; onPending(bytes) when the number of bytes changes
 * that were sent and are not yet written.
 */
export class Input {
  #path;
  #viewer;
  #hooks;
  #key;
  #queue = []; // typed and not yet numbered
  #queued = 0; // bytes in it
  #sent = new Map(); // number → {body, abort, doubtful, gap}
  #ack = { latest: 0, done: 0, busy: false };
  #size = { latest: null, busy: false };
  #waiting = new Set(); // functions that end a pause early
  #stopped = false;

  /** window is the stream's, in bytes. */
  window = 256 * 1024;

  constructor({ node, shell, viewer, base, onEnded, onTrouble, onPending }) {
    this.#path = base || shellPath(node, shell);
    this.#viewer = viewer;
    this.#hooks = { onEnded, onTrouble, onPending };
    this.#key = `${viewer} ${node}/${shell}`;
  }

  /** pending is the number of bytes that were given and are not known to be written. */
  get pending() {
    let bytes = this.#queued;
    for (const request of this.#sent.values()) bytes += request.body.length;
    return bytes;
  }

  /**
   * send sends bytes after all earlier ones. Urgent ones do not wait until one
   * of these is written, as when a program does not read: the shell lets a ^C
   * pass them.
   */
  send(bytes, urgent = false) {
    if (this.#stopped || !bytes.length) return;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#pump(urgent ? places + 1 : places);
  }

  /** cancel forgets what has not left yet, and returns how many bytes that were. */
  cancel() {
    const dropped = this.#queued;
    this.#queue = [];
    this.#queued = 0;
    this.#hooks.onPending?.(this.pending);
    return dropped;
  }

  /** ack says that everything before off is drawn. It is sent as soon as a quarter of the window is at stake. */
  ack(off) {
    if (off > this.#ack.latest) this.#ack.latest = off;
    this.#sendAcks();
  }

  /** begin makes off the offset of the first byte. */
  begin(off) {
    this.#ack.latest = this.#ack.done = off;
  }

  /** rebase makes off the new beginning, after a reset, and says so: the server waits for what it skipped no longer. */
  rebase(off) {
    this.#ack.latest = off;
    this.#ack.done = Math.min(this.#ack.done, off - this.window);
    this.#sendAcks();
  }

  /** fit tells how much room there is, and what is claimed of the size: 'offer', 'take', 'pin' or 'unpin'. Of several the last one counts. */
  fit(rows, cols, claim) {
    this.#size.latest = { rows, cols, claim };
    this.#sendSize();
  }

  /** kick is called when the network is back: what is under way on dead connections is sent again at once. */
  kick() {
    for (const request of this.#sent.values()) request.abort?.abort();
    for (const end of [...this.#waiting]) end();
  }

  /** leave is called when the page goes: what is not known to be written is sent once more, in requests that outlive it. */
  leave() {
    this.#pump(Infinity);
    for (const [n, { body }] of this.#sent) {
      this.#fetch(`input?viewer=${this.#viewer}&n=${n}`, body, undefined, true).catch(() => {}); // too much for that, or no network
    }
  }

  /** close forgets what has not left. What is under way ends as it can. */
  close() {
    this.cancel();
    this.#stopped = true;
    for (const end of [...this.#waiting]) end();
  }

  #pump(most = places) {
    while (this.#queued && this.#sent.size < most && !this.#gaps()) {
      const n = numbers.get(this.#key) ?? 0;
      numbers.set(this.#key, n + 1);
      this.#post(n, { body: this.#take() });
    }
    this.#hooks.onPending?.(this.pending);
  }

  // take joins as much of the queue as one request may carry.
  #take() {
    const body = new Uint8Array(Math.min(this.#queued, maxBody));
    let at = 0;
    while (at < body.length) {
      const head = this.#queue[0];
      const part = head.subarray(0, body.length - at);
      body.set(part, at);
      at += part.length;
      if (part.length === head.length) this.#queue.shift();
      else this.#queue[0] = head.subarray(part.length);
    }
    this.#queued -= at;
    return body;
  }

  // post sends one request until it is settled.
  async #post(n, request) {
    this.#sent.set(n, request);
    for (let wait = pause.first; !this.#stopped; wait = Math.min(2 * wait, pause.most)) {
      const done = await this.#attempt(n, request);
      if (request.gap !== undefined) return this.#closeGap();
      if (done) break;
      await this.#rest(wait);
    }
    this.#sent.delete(n);
    this.#closeGap();
    this.#pump();
  }

  // attempt sends one request once, and returns whether it is settled.
  async #attempt(n, request) {
    const ack = this.#ack.latest;
    const underWay = new Set(this.#sent.keys());
    request.abort = new AbortController();
    let answer;
    try {
      answer = await this.#fetch(`input?viewer=${this.#viewer}&n=${n}&ack=${ack}`, request.body, request.abort.signal);
    } catch {
      request.doubtful = true; // it may have been written
      return false;
    }
    if (answer.ok) {
      this.#ack.done = Math.max(this.#ack.done, ack);
      return true;
    }
    const { error = "", expected } = await answer.json().catch(() => ({}));
    if (answer.status === 409 && expected !== undefined) {
      // The shell waits for a number that is not under way. If it was when this one left, it may have been written since.
      if (!underWay.has(expected) && !this.#sent.has(expected)) request.gap = expected;
      return false;
    }
    if (answer.status === 409) {
      this.#end(error || "The shell has ended.");
      return true;
    }
    if ([400, 403, 413].includes(answer.status)) {
      this.#hooks.onTrouble?.(error || `The input was refused (${answer.status}).`);
      return true;
    }
    return false; // login, limits, unreachable, not known (yet; of a shell that is gone the stream says so): later
  }

  #gaps() {
    for (const request of this.#sent.values()) if (request.gap !== undefined) return true;
    return false;
  }

  // closeGap numbers everything anew from what the shell waits for, once all that is under way has met the gap: a
  // request was refused, or the shell has forgotten this viewer. In the second case (it counts from 0) what may have
  // been written before is not sent again: a key lost is better than a command run twice.
  #closeGap() {
    const requests = [...this.#sent.values()];
    if (!requests.length || !requests.every(request => request.gap !== undefined)) return;
    let n = Math.min(...requests.map(request => request.gap));
    this.#sent.clear();
    for (const { body, doubtful } of requests) {
      if (n === 0 && doubtful) this.#hooks.onTrouble?.("Some input may not have reached the shell.");
      else this.#post(n++, { body });
    }
    numbers.set(this.#key, n);
  }

  async #sendAcks() {
    const ack = this.#ack;
    if (ack.busy) return;
    ack.busy = true;
    try {
      for (let wait = pause.first; !this.#stopped && ack.latest - ack.done >= this.window * ackEvery;) {
        const off = ack.latest;
        if (await this.#command(`ack?viewer=${this.#viewer}&off=${off}`)) {
          ack.done = Math.max(ack.done, off);
          wait = pause.first;
        } else {
          await this.#rest(wait);
          wait = Math.min(2 * wait, pause.most);
        }
      }
    } finally {
      ack.busy = false;
    }
  }

  async #sendSize() {
    const size = this.#size;
    if (size.busy) return;
    size.busy = true;
    try {
      for (let wait = pause.first; !this.#stopped && size.latest;) {
        const sent = size.latest;
        const { rows, cols, claim } = sent;
        if (await this.#command(`size?viewer=${this.#viewer}&rows=${rows}&cols=${cols}&claim=${claim}`)) {
          if (size.latest === sent) size.latest = null;
        } else {
          await this.#rest(wait);
          wait = Math.min(2 * wait, pause.most);
        }
      }
    } finally {
      size.busy = false;
    }
  }

  // command posts without a body and returns whether there is nothing more to do: it was done, or never will be. What is
  // not known (404) may be so yet, as above.
  async #command(what) {
    try {
      const answer = await this.#fetch(what);
      return answer.ok || [400, 403, 409].includes(answer.status);
    } catch {
      return false;
    }
  }

  #fetch(what, body, signal, keepalive = false) {
    const late = AbortSignal.timeout(patience);
    return call(`${this.#path}/${what}`, {
      method: "POST",
      body,
      keepalive,
      headers: { Accept: "application/json" },
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
  }

  // rest waits ms, or until kick.
  #rest(ms) {
    return new Promise(resolve => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#waiting.add(end);
    });
  }

  #end(text) {
    if (this.#stopped) return;
    this.#stopped = true;
    this.cancel();
    this.#hooks.onEnded?.(text);
  }
}
