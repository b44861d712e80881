// What a terminal in the page needs besides xterm.js: its look, its codes, its queries, and drawing under the page's
// policy.

import { Unicode11Addon } from "../vendor/xterm-addon-unicode11/addon-unicode11.mjs";
import { WebLinksAddon } from "../vendor/xterm-addon-web-links/addon-web-links.mjs";
import { Terminal } from "../vendor/xterm/xterm.mjs";
import { block, readableRows } from "./contrast.js";

allowStyles(document.querySelector("script[nonce]")?.nonce);
Terminal.strings.promptLabel = "Terminal";

// newTerminal returns a terminal of xterm.js, with the look that element has in the page.
export function newTerminal(element, options) {
  const term = new Terminal({
    ...appearance(element),
    allowProposedApi: true, // for the table of widths
    cursorBlink: false,
    linkHandler: { activate: (_, uri) => openLink(uri) },
    logLevel: "off", // a binary file would fill the browser's console
    minimumContrastRatio: 4.5,
    ...options,
  });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11"; // the widths that glibc, and so bash and vim, assume
  term.loadAddon(new WebLinksAddon((_, uri) => openLink(uri)));
  return term;
}

// openIn shows a terminal in element.
export function openIn(element, term) {
  term.open(element);
  readableRows(term);
  separateBlocks(term);
}

// What makes a terminal reply: device attributes, states and modes, colours, settings; and 1004 h, which reports the
// focus.
const queries = {
  csi: [
    { final: "c" }, { prefix: ">", final: "c" }, { prefix: "=", final: "c" },
    { final: "n" }, { prefix: "?", final: "n" }, { final: "t" }, { prefix: ">", final: "q" },
    { intermediates: "$", final: "p" }, { prefix: "?", intermediates: "$", final: "p" }, { prefix: "?", final: "h" },
  ],
  osc: [4, 10, 11, 12],
  dcs: { intermediates: "$", final: "q" },
};

// replies returns a function that reports whether what the terminal sends now is a reply: one that it sends in the same
// turn of the event loop as the query. Typed keys come in their own turns.
export function replies(term) {
  let replying = false;
  const asked = () => {
    if (!replying) queueMicrotask(() => { replying = false; });
    replying = true;
    return false; // the terminal's own handler runs
  };
  for (const id of queries.csi) term.parser.registerCsiHandler(id, asked);
  for (const id of queries.osc) term.parser.registerOscHandler(id, asked);
  term.parser.registerDcsHandler(queries.dcs, asked);
  return () => replying;
}

// inMode converts one terminal's code for a key to another's: six keys have two codes, and each program chooses one.
export function inMode(term, text) {
  const [, key] = /^\x1b[[O]([A-DFH])$/.exec(text) ?? [];
  return key ? (term.modes.applicationCursorKeysMode ? "\x1bO" : "\x1b[") + key : text;
}

const fontQuantum = 1 / 128; // px

const palette = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

// appearance reads the terminal's look from the style sheet: --term-font, --term-size, and the colours --term-NAME.
export function appearance(element) {
  const probe = make("span");
  const parent = element.isConnected ? element : document.body;
  parent.append(probe);
  const style = getComputedStyle(probe);
  const color = (token, fallback) => {
    probe.style.color = `var(--term-${token}, ${fallback})`;
    return style.color; // resolved, however the token is defined
  };
  const theme = {
    background: color("bg", "Canvas"),
    foreground: color("fg", "CanvasText"),
    cursor: color("cursor", "CanvasText"),
    cursorAccent: color("cursor-text", "Canvas"),
    selectionBackground: color("selection", "Highlight"),
  };
  for (const name of palette) {
    theme[name] = color(name, name);
    theme[`bright${name[0].toUpperCase()}${name.slice(1)}`] = color(`bright-${name}`, name);
  }
  probe.style.fontFamily = "var(--term-font, monospace)";
  probe.style.fontSize = "var(--term-size, 13px)";
  const { fontFamily, fontSize } = style;
  probe.remove();
  return { theme, fontFamily, fontSize: wholePixels(fontFamily, parseFloat(fontSize)) };
}

const pen = make("canvas").getContext("2d");

/** cellWidth is the width of a cell in device pixels, of which a graphics card draws the whole ones. */
export function cellWidth(family, size) {
  pen.font = `${size}px ${family}`;
  return pen.measureText("W").width * devicePixelRatio; // as xterm.js measures it
}

/** cellHeight is the height of a cell in device pixels. */
export function cellHeight(family, size) {
  pen.font = `${size}px ${family}`;
  const { fontBoundingBoxAscent, fontBoundingBoxDescent } = pen.measureText("W");
  return Math.ceil((fontBoundingBoxAscent + fontBoundingBoxDescent) * devicePixelRatio); // as xterm.js measures it
}

// wholePixels is the font size next to size, in px, in which a cell is whole device pixels wide, or hardly more: with a
// graphics card and without, a terminal is equally wide, and its letters do not touch. Browsers round font sizes.
function wholePixels(family, size) {
  const width = cellWidth(family, size);
  let font = width ? size * Math.round(width) / width : size;
  while (font < size + 1 && cellWidth(family, font) < Math.round(width)) font += fontQuantum;
  return font;
}

// separateBlocks draws a character next to a block or line on its own. xterm.js chooses the colour of a run by its first
// character, and gives blocks and lines, which need no contrast, the program's.
function separateBlocks(term) {
  const beside = new RegExp(`(?<=${block})(?!${block}).|(?!${block}).(?=${block})`, "gu");
  term.registerCharacterJoiner((text) => [...text.matchAll(beside)].map(({ 0: { length }, index }) => [index, index + length]));
}

// allowStyles gives every <style> created from now on the page's nonce: xterm.js creates some, and the page's policy
// blocks others.
function allowStyles(nonce) {
  if (!nonce) return;
  const create = document.createElement;
  document.createElement = (name, options) => {
    const element = create.call(document, name, options);
    if (String(name).toLowerCase() === "style") element.nonce = nonce;
    return element;
  };
  // Its DOM renderer also writes style attributes; the same through element.style is allowed.
  const set = Element.prototype.setAttribute;
  HTMLElement.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else set.call(this, name, value);
  };
}

export function make(name, className = "") {
  const element = document.createElement(name);
  element.className = className;
  return element;
}

// bytesText formats a number of bytes for users.
export function bytesText(n) {
  const units = ["KiB", "MiB", "GiB"];
  if (n < 1024) return n === 1 ? "1 byte" : `${n} bytes`;
  let value = n / 1024;
  for (; value >= 1024 && units.length > 1; value /= 1024) units.shift();
  return `${value.toFixed(1).replace(/\.0$/, "")} ${units[0]}`;
}

// once calls fn at the next event of a terminal.
export function once(event, fn) {
  const listening = event(() => {
    listening.dispose();
    fn();
  });
}

function openLink(uri) {
  if (/^https?:/i.test(uri)) open(uri, "_blank", "noopener,noreferrer");
}

// splitUTF8 joins leftover UTF-8 (RFC 3629) with new bytes, and splits after the last complete character: it returns
// what can be drawn, and what must wait.
export function splitUTF8(part, bytes) {
  if (part.length) {
    const joined = new Uint8Array(part.length + bytes.length);
    joined.set(part);
    joined.set(bytes, part.length);
    bytes = joined;
  }
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) break;
    if (byte < 0xc0) continue; // inside a character
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (needs <= back) break;
    return [bytes.subarray(0, bytes.length - back), bytes.slice(bytes.length - back)];
  }
  return [bytes, new Uint8Array()];
}
