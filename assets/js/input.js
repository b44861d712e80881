// What a page sends to one shell: input, acknowledgements, and sizes (docs/protocol.md, "Shells").
//
// Input goes in numbered requests, several in flight. The shell writes them in order and drops repeats, so a request
// whose response was lost is repeated with its number, and no key is lost or doubled. Input while the window is full
// goes into the next request.

import { multiplexed } from "./carried.js";
import { call } from "./key.js";
import { shellPath } from "./stream.js";

const maxBody = 64 * 1024; // bytes per request
const requestTimeout = 30_000; // ms before an unanswered request is repeated
const pause = { first: 100, max: 3000 }; // ms between attempts
const quietAfter = 500; // ms without an answer, besides the time that one takes
const longest = 1500; // ms of that time that count
const lateAfter = 3000;
const keyBytes = 8; // of one key at most
const ackEvery = 1 / 4; // of the window

// A browser opens six connections per host over HTTP/1.1. The stream takes one, and input the others, as long as answers
// come: a program that does not read leaves input unanswered, and ^C, acknowledgements and other tabs need a connection.
const concurrency = multiplexed() ? 16 : 5;

// The next number by viewer and shell: a new pane continues where the last one stopped.
const sequences = new Map();

/**
 * Input sends to one shell for one viewer.
 *
 * base is a share link's path, used instead of the shell's. onEnded(text) is called once, when the shell accepts no
 * more input; onTrouble(text) when something was refused; onPending() when the input that is not known to be written
 * changes, or is late; onSend(bytes, end) with all input, before it is sent; onWritten(end, echo) when it is known to be
 * written up to end, in bytes since the beginning, and who echoes keys then; onTrip(ms, hop) with the time that a small
 * request took, and the part of it between the console and the shell's node.
 */
export class Input {
  #path;
  #viewer;
  #hooks;
  #key;
  #queue = []; // not numbered yet
  #queued = 0; // bytes in it
  #total = 0; // bytes sent and queued so far
  #sent = new Map(); // number → {body, keys, end, abort, doubtful, gap}
  #ack = { latest: 0, done: 0, busy: false };
  #size = { latest: null, busy: false };
  #pauses = Promise.withResolvers(); // resolved to end all pauses early
  #stopped = false;
  #places = concurrency; // for requests in flight: all, all but one (quiet), one (late)
  #clock = 0; // timer
  #trip = 0; // ms that the last small request took

  /** window is the stream's, in bytes. */
  window = 256 * 1024;

  constructor({ node, shell, viewer, base, ...hooks }) {
    this.#path = base || shellPath(node, shell);
    this.#viewer = viewer;
    this.#hooks = hooks;
    this.#key = `${viewer} ${node}/${shell}`;
  }

  /** pending is the number of bytes not known to be written. */
  get pending() {
    let bytes = this.#queued;
    for (const request of this.#sent.values()) bytes += request.body.length;
    return bytes;
  }

  /** keys is the number of keys, or of pasted bytes, not known to be written. */
  get keys() {
    let keys = 0;
    for (const bytes of this.#queue) keys += weight(bytes);
    for (const request of this.#sent.values()) keys += request.keys;
    return keys;
  }

  /** late reports whether input has waited for an answer for 3 s. */
  get late() { return this.#places === 1; }

  /**
   * send sends bytes after all earlier ones. Urgent bytes do not wait for unwritten ones, which a program may not read:
   * the shell lets ^C pass.
   */
  send(bytes, urgent = false) {
    if (this.#stopped || !bytes.length) return;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#total += bytes.length;
    this.#hooks.onSend?.(bytes, this.#total);
    if (urgent) this.#settle(); // its predecessors must be there
    this.#pump(urgent ? concurrency + 1 : undefined);
  }

  /** cancel drops what has not been sent, and returns the number of bytes. */
  cancel() {
    const dropped = this.#queued;
    this.#queue = [];
    this.#queued = 0;
    this.#total -= dropped;
    this.#changed();
    return dropped;
  }

  /** ack reports that everything before off is drawn. It is sent once it covers a quarter of the window. */
  ack(off) {
    if (off > this.#ack.latest) this.#ack.latest = off;
    this.#sendAcks();
  }

  /** begin makes off the offset of the first byte. */
  begin(off) {
    this.#ack.latest = this.#ack.done = off;
  }

  /**
   * rebase makes off the new beginning after a reset, and acknowledges it: the server no longer waits for skipped
   * bytes.
   */
  rebase(off) {
    this.#ack.latest = off;
    this.#ack.done = Math.min(this.#ack.done, off - this.window);
    this.#sendAcks();
  }

  /**
   * fit reports the room, and a claim to the size: 'offer', 'take', 'pin' or 'unpin'. Of several, the last one counts.
   */
  fit(rows, cols, claim) {
    this.#size.latest = { rows, cols, claim };
    this.#sendSize();
  }

  /** kick is called when the network is back: requests on dead connections are repeated immediately. */
  kick() {
    for (const request of this.#sent.values()) request.abort?.abort();
    this.#endPauses();
  }

  /** leave is called when the page closes: unconfirmed input is resent, in requests that outlive it. */
  leave() {
    this.#pump(Infinity);
    for (const [n, { body }] of this.#sent) {
      this.#fetch(`input?viewer=${this.#viewer}&n=${n}`, body, undefined, true).catch(() => {}); // too much for that, or no network
    }
  }

  /** close drops what has not been sent. Requests in flight end on their own. */
  close() {
    this.cancel();
    this.#stopped = true;
    this.#settle();
    this.#endPauses();
  }

  #pump(limit = this.#places) {
    while (this.#queued && this.#sent.size < limit && !this.#gaps()) {
      const n = sequences.get(this.#key) ?? 0;
      sequences.set(this.#key, n + 1);
      this.#post(n, this.#take());
    }
    this.#changed();
  }

  // changed reports what waits, and starts the clock, which runs until there is an answer.
  #changed() {
    if (!this.pending) this.#settle();
    else if (!this.#stopped && !this.#clock) {
      const patience = quietAfter + Math.min(this.#trip, longest);
      this.#clock = setTimeout(() => this.#quiet(patience), patience);
    }
    this.#hooks.onPending?.();
  }

  // quiet gives up the last connection, after ms. Its request is repeated once there is an answer.
  #quiet(ms) {
    this.#places = concurrency - 1;
    [...this.#sent.values()][this.#places]?.abort.abort();
    this.#clock = setTimeout(() => {
      this.#places = 1;
      this.#hooks.onPending?.();
    }, lateAfter - ms);
  }

  // settle stops the clock: there was an answer.
  #settle() {
    clearTimeout(this.#clock);
    this.#clock = 0;
    if (this.#places === concurrency) return;
    this.#places = concurrency;
    this.#endPauses();
  }

  // mayRepeat reports whether request n has a place. All tabs of a browser share its connections.
  #mayRepeat(n) {
    return this.#places === concurrency || [...this.#sent.keys()].indexOf(n) < this.#places;
  }

  // take joins as much of the queue as one request allows.
  #take() {
    const body = new Uint8Array(Math.min(this.#queued, maxBody));
    let [at, keys] = [0, 0];
    while (at < body.length) {
      const head = this.#queue[0];
      const part = head.subarray(0, body.length - at);
      body.set(part, at);
      at += part.length;
      keys += weight(part);
      if (part.length === head.length) this.#queue.shift();
      else this.#queue[0] = head.subarray(part.length);
    }
    this.#queued -= at;
    return { body, keys, end: this.#total - this.#queued };
  }

  // post sends a request until it is settled.
  async #post(n, request) {
    this.#sent.set(n, request);
    for (let wait = pause.first; !this.#stopped; wait = Math.min(2 * wait, pause.max)) {
      const done = await this.#attempt(n, request);
      if (request.gap !== undefined) {
        this.#settle();
        return this.#closeGap();
      }
      if (done) break;
      await this.#rest(wait);
      while (!this.#stopped && !this.#mayRepeat(n)) await this.#rest(pause.max);
    }
    this.#sent.delete(n);
    this.#settle();
    this.#closeGap();
    this.#pump();
  }

  // attempt sends a request once, and returns whether it is settled.
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
      // Of a request that was repeated, it is not known who echoed keys when it was written.
      this.#hooks.onWritten?.(request.end, request.doubtful ? null : answer.headers.get("Convoy-Echo"));
      return true;
    }
    const { error = "", expected } = await answer.json().catch(() => ({}));
    if (answer.status === 409 && expected !== undefined) {
      // The shell waits for a number that is not in flight. If it was when this one left, it may have been written
      // since.
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
    return false; // login, limits, unreachable, not found (for now; the stream reports removed shells): later
  }

  #gaps() {
    for (const request of this.#sent.values()) if (request.gap !== undefined) return true;
    return false;
  }

  // closeGap renumbers everything from the number that the shell waits for, once all requests in flight have met the
  // gap: a request was refused, or the shell has forgotten this viewer. In the second case (it counts from 0), input
  // that may have been written is not repeated: losing a key is better than running a command twice.
  #closeGap() {
    const requests = [...this.#sent.values()];
    if (!requests.length || !requests.every(request => request.gap !== undefined)) return;
    let n = Math.min(...requests.map(request => request.gap));
    this.#sent.clear();
    for (const { body, keys, end, doubtful } of requests) {
      if (n === 0 && doubtful) this.#hooks.onTrouble?.("Some input may not have reached the shell.");
      else this.#post(n++, { body, keys, end });
    }
    sequences.set(this.#key, n);
    this.#pump();
  }

  #sendAcks() {
    const ack = this.#ack;
    this.#sendLatest(ack, () => {
      const off = ack.latest;
      const done = () => { ack.done = Math.max(ack.done, off); };
      return off - ack.done >= this.window * ackEvery && { what: `ack?viewer=${this.#viewer}&off=${off}`, done };
    });
  }

  #sendSize() {
    const size = this.#size;
    this.#sendLatest(size, () => {
      const sent = size.latest;
      const done = () => { if (size.latest === sent) size.latest = null; };
      return sent && { what: `size?viewer=${this.#viewer}&${new URLSearchParams(sent)}`, done };
    });
  }

  // sendLatest sends requests, one at a time, while next returns one. Its done is called when it is finished.
  async #sendLatest(kind, next) {
    if (kind.busy) return;
    kind.busy = true;
    let wait = pause.first;
    for (let request = next(); request && !this.#stopped; request = next()) {
      if (await this.#command(request.what)) {
        request.done();
        wait = pause.first;
      } else {
        await this.#rest(wait);
        wait = Math.min(2 * wait, pause.max);
      }
    }
    kind.busy = false;
  }

  // command posts without a body and returns whether it is finished: done, or permanently failed. Not found (404) may
  // be temporary, as above.
  async #command(what) {
    try {
      const answer = await this.#fetch(what);
      return answer.ok || [400, 403, 409].includes(answer.status);
    } catch {
      return false;
    }
  }

  async #fetch(what, body, signal, keepalive = false) {
    const late = AbortSignal.timeout(requestTimeout);
    const sent = performance.now();
    const answer = await call(`${this.#path}/${what}`, {
      method: "POST",
      body,
      keepalive,
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    const [, hop = 0] = /node;dur=([\d.]+)/.exec(answer.headers.get("Server-Timing")) ?? [];
    if (answer.ok && !(body?.length > keyBytes)) {
      this.#trip = performance.now() - sent;
      this.#hooks.onTrip?.(this.#trip, Number(hop));
    }
    return answer;
  }

  // rest waits ms, or until pauses end.
  #rest(ms) {
    return Promise.race([new Promise((resolve) => { setTimeout(resolve, ms); }), this.#pauses.promise]);
  }

  #endPauses() {
    this.#pauses.resolve();
    this.#pauses = Promise.withResolvers();
  }

  #end(text) {
    if (this.#stopped) return;
    this.#stopped = true;
    this.cancel();
    this.#hooks.onEnded?.(text);
  }
}

// weight counts the keys in a piece of input; text that was pasted counts by its bytes.
const weight = bytes => bytes.length > keyBytes ? bytes.length : 1;
