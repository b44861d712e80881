// What a program may do with the reader's clipboard: write to it (OSC 52), with the reader's leave, from the shell that
// has the focus, and only by what it puts out while the reader looks. It can never read it.

import { copySelected } from "./copy.js";
import { call } from "./key.js";
import { bytesText, button, make } from "./terminal.js";
import { shellPath } from "./stream.js";

const most = 1024 * 1024; // bytes of text
let always = false; // the reader lets programs write, in this tab

/** Clipboard takes the OSC 52 of one terminal. element is where its question stands. */
export class Clipboard {
  element = make("div", "shell-ask");
  #term;
  #path;
  #drawn; // () → the offset up to which the screen is drawn
  #since = 0; // what was put out before this offset is old: nobody wants it on the clipboard any more
  #never = false; // the reader has said no
  #text = "";

  constructor(term, { node, shell, drawn }) {
    this.#term = term;
    this.#path = shellPath(node, shell);
    this.#drawn = drawn;
    this.element.hidden = true;
    this.element.role = "group";
    term.parser.registerOscHandler(52, (said) => this.#take(said));
  }

  /** since makes everything before off old. Infinity: all, until it is called again. */
  since(off) { this.#since = off; }

  /** reopened is called when the stream is back: what was put out meanwhile is old. */
  async reopened() {
    this.#since = Infinity;
    try {
      const answer = await call(this.#path, { headers: { Accept: "application/json" } });
      this.#since = (await answer.json()).end ?? Infinity;
    } catch {
      // the next time that the stream is back
    }
  }

  // take acts on "SELECTIONS;BASE64". It returns true: nobody else shall, and nobody answers.
  #take(said) {
    const [, base64] = /^[cpqs0-7]*;([A-Za-z0-9+/]+={0,2})$/.exec(said) ?? [];
    const here = this.#term.textarea === document.activeElement && document.hasFocus();
    if (!base64 || !here || this.#never || this.#drawn() < this.#since || base64.length > (most * 4) / 3 + 4) return true;
    const text = decoded(base64);
    if (text === null) return true;
    this.#text = text;
    if (always) this.#write();
    else this.#ask(navigator.clipboard ? "Copy once" : "Copy");
    return true;
  }

  // ask shows the question, or shows it anew for a later text.
  #ask(label) {
    const says = make("span");
    says.textContent = `The program wants to copy ${bytesText(new Blob([this.#text]).size)} to your clipboard.`;
    const once = button(label, () => this.#write());
    const ever = button("Always in this tab", () => {
      always = true;
      this.#write();
    });
    const no = button("No", () => {
      this.#never = true;
      this.#done();
    });
    no.title = "This shell's programs do not ask again until you reload the page";
    this.element.replaceChildren(says, once, ...(navigator.clipboard && !always ? [ever] : []), no);
    this.element.ariaLabel = says.textContent;
    this.element.hidden = false;
  }

  async #write() {
    const text = this.#text;
    const byHand = !this.element.hidden; // a click is under way
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else if (!copySelected(text)) throw new Error("refused");
      if (text === this.#text) this.#done(byHand);
    } catch {
      this.#ask("Copy"); // some browsers want a click each time
    }
  }

  #done(focus = true) {
    this.#text = "";
    this.element.hidden = true;
    this.element.replaceChildren();
    if (focus) this.#term.focus();
  }
}

// decoded is base64's text, or null if it is no UTF-8, or too large.
function decoded(base64) {
  try {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    return bytes.length <= most ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) : null;
  } catch {
    return null;
  }
}
