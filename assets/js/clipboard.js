// What a program may do with the user's clipboard: write to it (OSC 52), with permission, from the focused shell, and
// only by current output. It can never read it.

import { copySelected } from "./copy.js";
import { find } from "./dom.js";
import { call } from "./key.js";
import { bytesText } from "./terminal.js";
import { shellPath } from "./stream.js";

const maxBytes = 1024 * 1024; // of text
const pause = { first: 250, max: 60_000 }; // ms between attempts to learn where the output ends
let allowed = false; // the user allows programs to write, in this tab

/**
 * newClipboard handles OSC 52 of one terminal. element is its question; base is a share link's path, used instead of the
 * shell's; drawn() is the offset up to which it is drawn.
 */
export function newClipboard(element, term, { node, shell, base, drawn }) {
  let fresh = 0; // output before this offset is old, and must not reach the clipboard
  let changes = 0; // counts changes of fresh: an answer to an earlier request is stale
  let never = false; // the user has denied it
  let wanted = ""; // to be copied
  const path = base || shellPath(node, shell);
  find("[data-once]", element).addEventListener("click", write);
  find("[data-always]", element).addEventListener("click", () => {
    allowed = true;
    write();
  });
  find("[data-never]", element).addEventListener("click", () => {
    never = true;
    done();
  });
  term.parser.registerOscHandler(52, request);

  /** since makes everything before off old. Infinity: everything until the next call. */
  function since(off) {
    fresh = off;
    changes++;
  }

  /** reopened is called when the stream is back: output in the meantime is old. */
  async function reopened() {
    since(Infinity);
    const before = changes;
    for (let wait = pause.first; changes === before; wait = Math.min(2 * wait, pause.max)) {
      const end = await call(path).then((answer) => answer.json()).then(({ end }) => end, () => undefined);
      if (changes !== before) return;
      if (end !== undefined) since(end);
      else await new Promise((resolve) => { setTimeout(resolve, wait); });
    }
  }

  /** close ends the wait for an answer: nothing more will be printed. */
  function close() { changes++; }

  // request handles "SELECTIONS;BASE64". It returns true: nothing else handles it, and there is no reply.
  function request(data) {
    const [, base64] = /^[cpqs0-7]*;([A-Za-z0-9+/]+={0,2})$/.exec(data) ?? [];
    const here = term.textarea === document.activeElement && document.hasFocus();
    if (!base64 || !here || never || drawn() < fresh || base64.length > (maxBytes * 4) / 3 + 4) return true;
    const text = decoded(base64);
    if (text === null) return true;
    wanted = text;
    if (allowed) write();
    else ask(navigator.clipboard ? "Copy once" : "Copy");
    return true;
  }

  // ask shows the question, or updates it for a later text.
  function ask(label) {
    const text = `The program wants to copy ${bytesText(new Blob([wanted]).size)} to your clipboard.`;
    find("span", element).textContent = element.ariaLabel = text;
    find("[data-once]", element).textContent = label;
    find("[data-always]", element).hidden = !navigator.clipboard || allowed;
    element.hidden = false;
  }

  async function write() {
    const text = wanted;
    const byHand = !element.hidden; // during a click
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else if (!copySelected(text)) throw new Error("refused");
      if (text === wanted) done(byHand);
    } catch {
      ask("Copy"); // some browsers require a click each time
    }
  }

  function done(focus = true) {
    wanted = "";
    element.hidden = true;
    if (focus) term.focus();
  }

  return { since, reopened, close };
}

// decoded decodes base64, or returns null for invalid UTF-8 or too much text.
function decoded(base64) {
  try {
    const bytes = Uint8Array.fromBase64(base64);
    return bytes.length <= maxBytes ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) : null;
  } catch {
    return null;
  }
}
