// A terminal's output to its shell: which bytes are sent, and which were typed and may go to other shells too.

import { mark, since } from "./dump.js";
import { inMode, replies } from "./terminal.js";

/**
 * Relay belongs to one terminal and its keyboard. send(text or bytes) sends to its shell; typed(text) receives what a key
 * typed.
 */
export class Relay {
  #term;
  #send;

  constructor(term, keyboard, { send, typed }) {
    this.#term = term;
    this.#send = send;
    const replying = replies(term); // the shell's node replies to its program, once for all viewers
    term.onBinary((text) => replying() || send(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    term.onData((text) => {
      if (replying()) return;
      if (!keyboard.typing) return send(text);
      text = keyboard.meaning(text);
      send(text);
      typed(text);
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
