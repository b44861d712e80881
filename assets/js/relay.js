// A terminal's output to its shell: which bytes are sent, and which were typed and may go to other shells too.

import { mark, since } from "./dump.js";
import { inMode, replies } from "./terminal.js";

// Events when a key is pressed, a character is composed, or a key of the touch row is touched.
const keyEvents = new Set(["keydown", "keypress", "input", "click"]);

// byKey returns a function that reports whether what the terminal sends now was typed. The mouse, the focus, and the
// program also make a terminal send something, even cursor keys; only bytes known to be typed count.
function byKey(term) {
  let composed = false;
  // xterm.js sends composed text in a later turn, which its own, older listeners have already scheduled.
  const compose = () => {
    composed = true;
    setTimeout(() => { composed = false; });
  };
  term.textarea.addEventListener("compositionend", compose);
  term.textarea.addEventListener("keydown", (e) => e.keyCode === 229 && compose(), { capture: true });
  return () => composed || keyEvents.has(window.event?.type);
}

/**
 * Relay belongs to one terminal. send(text or bytes) sends to its shell; typed(text) receives what a key typed;
 * held(text) is the meaning of text with the keys that are down.
 */
export class Relay {
  #term;
  #send;

  constructor(term, { send, typed, held }) {
    this.#term = term;
    this.#send = send;
    const replying = replies(term); // the shell's node replies to its program, once for all viewers
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

  /** mark remembers the cursor's position; since is the text from there to the current one (dump.js). */
  mark() { return mark(this.#term); }
  since(place) { return since(this.#term, place); }

  /** onOutput calls fn after output, until the returned function is called. */
  onOutput(fn) {
    const listening = this.#term.onWriteParsed(fn);
    return () => listening.dispose();
  }
}
