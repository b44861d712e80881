// Pastes: what may go into a terminal, and what the user must confirm.
//
// A program that has enabled bracketed paste gets a paste as one piece between two markers, and can tell that it
// was not typed. Any other program reads each of its lines as a typed line.

import { ask } from "./dialog.js";
import { find } from "./dom.js";
import { bytesText } from "./terminal.js";

const maxBytes = 32 * 1024 * 1024; // per paste
const confirmAbove = 100 * 1024; // bytes
const shownFrom = 64 * 1024; // bytes from which a paste shows its progress
const shown = { rows: 8, characters: 120 }; // of the preview

/**
 * newPaste handles one terminal's pastes. element shows the progress. trouble(text) reports what is refused; all() is
 * every one that receives a paste here, including this one; takes() reports whether this shell accepts input now;
 * done(text) is called with what was pasted.
 */
export function newPaste(element, term, input, hooks) {
  let bracketed = false; // the current one ends with a marker

  find("button", element).addEventListener("click", () => {
    stop();
    term.focus();
  });

  /** take handles a paste event, and resolves when its text is sent or discarded. */
  async function take(event) {
    event.preventDefault();
    event.stopPropagation();
    let text = clean(event.clipboardData?.getData("text/plain") ?? "");
    const [file] = event.clipboardData?.files ?? [];
    if (!text && file) hooks.trouble(`A terminal takes only text, and the clipboard has ${file.type.startsWith("image/") ? "an image" : "a file"}. Upload it as a file`);
    if (!text) return;
    const bytes = new Blob([text]).size;
    if (bytes > maxBytes) return hooks.trouble(`A paste can have at most ${bytesText(maxBytes)}, and this one has ${bytesText(bytes)}. Upload it as a file`);
    const lines = text.split(/\r\n|\r|\n/);
    const all = hooks.all();
    const typed = lines.length > 1 && all.some((one) => !one.whole());
    if (typed || bytes > confirmAbove) {
      const answer = await confirm(lines, bytes, typed, all.length);
      if (answer === "line") text = joined(lines);
      term.focus();
      if (answer !== "paste" && answer !== "line") return;
    }
    for (const one of all) one.put(text); // those that were asked about, not later choices
    hooks.done(text);
  }

  /** whole reports whether the program takes a paste as one piece. */
  const whole = () => term.modes.bracketedPasteMode;

  /** put sends text as the program expects it, without asking: the user has already agreed. */
  function put(text) {
    if (!hooks.takes()) return;
    bracketed = whole();
    term.paste(clean(text));
  }

  /** enter presses Enter. */
  const enter = () => term.input("\r");

  /** sending reports whether it shows the progress of a paste. */
  const sending = () => !element.hidden;

  /** show shows the remaining bytes. */
  function show(bytes) {
    const long = bytes >= shownFrom;
    if (!long && !sending()) return; // a key that touches the page is answered only after its next frame
    element.hidden = !long;
    find("span", element).textContent = `pasting, ${Math.ceil(bytes / 1024)} KiB left`;
  }

  /** stop drops what has not been sent, and ends the paste for the program. */
  function stop() {
    if (input.cancel() && bracketed) input.send(new TextEncoder().encode("\x1b[201~"));
  }

  return { take, whole, put, enter, sending, show, stop };
}

// clean removes control characters: an escape sequence could end a bracketed paste and type commands.
const clean = (text) => text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "");

// joined makes one line of several.
const joined = (lines) => lines.join(" ").trim();

// confirm shows the text, and resolves to "paste", "line" or "".
function confirm(lines, bytes, typed, shells) {
  const count = lines.at(-1) === "" ? lines.length - 1 : lines.length; // an empty last line is only the end of the one before
  const rest = count - shown.rows;
  const many = shells > 1;
  const amount = `${count.toLocaleString()} ${count === 1 ? "line" : "lines"}`;
  const what = !typed ? bytesText(bytes) : count === 1 ? "a line" : amount;
  return ask("paste-template", (dialog) => {
    find("h2", dialog).textContent = `Paste ${what}${many ? ` into ${shells} shells` : ""}?`;
    find("p", dialog).textContent = typed ? warning(count, many) : `${many ? "Each" : "The"} program receives it as one paste.`;
    find("pre span", dialog).textContent = lines.slice(0, shown.rows).map(short).join("\n").trimEnd();
    find("pre i", dialog).textContent = rest > 0 ? `\nand ${rest.toLocaleString()} more ${rest === 1 ? "line" : "lines"}` : "";
    find(".paste-amount", dialog).textContent = `${amount}, ${bytesText(bytes)}`;
    find("[value=line]", dialog).hidden = lines.length < 2;
  });
}

function warning(count, many) {
  const run = count === 1
    ? "The text ends with a line break, so it can run as a command."
    : `${count.toLocaleString()} lines will be typed, and each can run as a command.`;
  return `${run} ${many ? "Not every program supports" : "The program does not support"} bracketed paste.`;
}

const short = (line) => (line.length > shown.characters ? `${line.slice(0, shown.characters)}…` : line);
