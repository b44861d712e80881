// What a program may do with the user's clipboard: write to it (OSC 52), with permission, from the focused shell, and
// only by current output. It can never read it.

import { copySelected } from "./copy.js";
import { find } from "./dom.js";
import { call } from "./key.js";
import { bytesText } from "./terminal.js";
import { shellPath } from "./stream.js";

const maxBytes = 1024 * 1024; // of text
let allowed = false; // the user allows programs to write, in this tab

/** Clipboard handles OSC 52 of one terminal. element is its question, in shell_pane.html. */
export class Clipboard {
  #element;
  #term;
  #path;
  #drawn; // () → the offset up to which the screen is drawn
  #since = 0; // output before this offset is old, and must not reach the clipboard
  #never = false; // the user has denied it
  #text = "";

  constructor(element, term, { node, shell, drawn }) {
    this.#element = element;
    this.#term = term;
    this.#path = shellPath(node, shell);
    this.#drawn = drawn;
    find("[data-once]", element).addEventListener("click", () => this.#write());
    find("[data-always]", element).addEventListener("click", () => {
      allowed = true;
      this.#write();
    });
    find("[data-never]", element).addEventListener("click", () => {
      this.#never = true;
      this.#done();
    });
    term.parser.registerOscHandler(52, (data) => this.#request(data));
  }

  /** since makes everything before off old. Infinity: everything until the next call. */
  since(off) { this.#since = off; }

  /** reopened is called when the stream is back: output in the meantime is old. */
  async reopened() {
    this.#since = Infinity;
    try {
      const answer = await call(this.#path);
      this.#since = (await answer.json()).end ?? Infinity;
    } catch {
      // until the stream is back
    }
  }

  // request handles "SELECTIONS;BASE64". It returns true: nothing else handles it, and there is no reply.
  #request(data) {
    const [, base64] = /^[cpqs0-7]*;([A-Za-z0-9+/]+={0,2})$/.exec(data) ?? [];
    const here = this.#term.textarea === document.activeElement && document.hasFocus();
    if (!base64 || !here || this.#never || this.#drawn() < this.#since || base64.length > (maxBytes * 4) / 3 + 4) return true;
    const text = decoded(base64);
    if (text === null) return true;
    this.#text = text;
    if (allowed) this.#write();
    else this.#ask(navigator.clipboard ? "Copy once" : "Copy");
    return true;
  }

  // ask shows the question, or updates it for a later text.
  #ask(label) {
    const text = `The program wants to copy ${bytesText(new Blob([this.#text]).size)} to your clipboard.`;
    find("span", this.#element).textContent = this.#element.ariaLabel = text;
    find("[data-once]", this.#element).textContent = label;
    find("[data-always]", this.#element).hidden = !navigator.clipboard || allowed;
    this.#element.hidden = false;
  }

  async #write() {
    const text = this.#text;
    const byHand = !this.#element.hidden; // during a click
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else if (!copySelected(text)) throw new Error("refused");
      if (text === this.#text) this.#done(byHand);
    } catch {
      this.#ask("Copy"); // some browsers require a click each time
    }
  }

  #done(focus = true) {
    this.#text = "";
    this.#element.hidden = true;
    if (focus) this.#term.focus();
  }
}

// decoded decodes base64, or returns null for invalid UTF-8 or too much text.
function decoded(base64) {
  try {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    return bytes.length <= maxBytes ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) : null;
  } catch {
    return null;
  }
}
