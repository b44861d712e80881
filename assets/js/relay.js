// A terminal's output to its shell: which bytes are sent, and which were typed and may go to other shells too.

import { mark, since } from "./dump.js";
import { inMode, replies } from "./terminal.js";

/**
 * newRelay connects one terminal and its keyboard. send(text or bytes) sends to its shell; typed(text) receives what a key
 * typed.
 */
export function newRelay(term, keyboard, { send, typed }) {
  const replying = replies(term); // the shell's node replies to its program, once for all viewers
  term.onBinary((text) => replying() || send(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  term.onData((text) => {
    if (replying()) return;
    if (!keyboard.typing()) return send(text);
    text = keyboard.meaning(text);
    send(text);
    typed(text);
  });

  /** type types what a key has typed into another terminal. */
  function type(text) {
    term.scrollToBottom();
    send(inMode(term, text));
  }

  /** onOutput calls fn after output, until the returned function is called. */
  function onOutput(fn) {
    const listening = term.onWriteParsed(fn);
    return () => listening.dispose();
  }

  return {
    type,
    onOutput,
    mark: () => mark(term), // the cursor's position
    since: (place) => since(term, place), // the text from there to the current one (dump.js)
  };
}
