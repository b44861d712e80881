// What a terminal sends: what of it goes to its shell, and what was typed, which may be wanted in other shells too.

import { mark, since } from "./dump.js";
import { inMode, replies } from "./terminal.js";

// What happens in the page when a key is pressed, a letter is composed, or a key of the touch screen's row is touched.
const keyEvents = new Set(["keydown", "keypress", "input", "click"]);

// byKey returns a function that tells whether what the terminal sends now was typed. The mouse and the focus make a
// terminal send something as well, cursor keys among it, and so does its program; only what is known to be typed counts.
function byKey(term) {
  let composed = false;
  // xterm.js sends what was composed in a turn of its own, which its listeners, being older, have asked for already.
  const compose = () => {
    composed = true;
    setTimeout(() => { composed = false; });
  };
  term.textarea.addEventListener("compositionend", compose);
  term.textarea.addEventListener("keydown", (e) => e.keyCode === 229 && compose(), { capture: true });
  return () => composed || keyEvents.has(window.event?.type);
}

/**
 * Relay belongs to one terminal. send(text or bytes) brings something to its shell; typed(text) is told what a key typed;
 * held(text) is what text means with the keys that are down.
 */
export class Relay {
  #term;
  #send;

  constructor(term, { send, typed, held }) {
    this.#term = term;
    this.#send = send;
    const replying = replies(term); // the shell's node answers its program, once for all viewers
    const keyed = byKey(term);
    term.onBinary((text) => replying() || send(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    term.onData((text) => {
      if (replying()) return;
      text = held(text);
      send(text);
      if (keyed()) typed(text);
    });
  }

  /** type types what a key has typed into another terminal. */
  type(text) {
    this.#term.scrollToBottom();
    this.#send(inMode(this.#term, text));
  }

  /** mark remembers where the cursor is; since is what stands from there to where it is by then (dump.js). */
  mark() { return mark(this.#term); }
  since(place) { return since(this.#term, place); }

  /** onOutput calls fn after output, until the returned function is called. */
  onOutput(fn) {
    const listening = this.#term.onWriteParsed(fn);
    return () => listening.dispose();
  }
}
