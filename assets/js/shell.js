// A shell's terminal in the page: xterm.js on one end, the stream and the input
// requests on the other.
//
//   const pane = new ShellPane({ element, node, shell, viewer, stream });
//
// What element shows: .shell-screen (the terminal; its CSS gives it a size),
// .shell-paste (how much of a paste is left), .shell-bar (why nothing can be
// typed, and what can be done), .shell-tools (tools.js), .shell-keys (keys that a touch screen lacks).
//
// Events on element, all bubbling, with {node, shell} as detail: shell-ended,
// shell-restart and shell-close (the reader asks for it), shell-leave
// (Shift+Escape), shell-trouble (with text).
//
// For tests and the curious: element.pane, and window.convoy.panes, a Map from
// 'NODE/SHELL' to pane; pane.text() is what the screen shows, pane.undrawn the
// bytes that wait to be drawn. Nothing in it is secret.

import { Terminal } from "../vendor/xterm/xterm.mjs";
import { FitAddon } from "../vendor/xterm-addon-fit/addon-fit.mjs";
import { Unicode11Addon } from "../vendor/xterm-addon-unicode11/addon-unicode11.mjs";
import { WebLinksAddon } from "../vendor/xterm-addon-web-links/addon-web-links.mjs";
import { Input } from "./input.js";
import { shellPath } from "./stream.js";
import { Tools } from "./tools.js";
import { allowStyles, appearance, button, copy, hasGraphics, make, openLink, queries, touchKeys, wholeLetters } from "./terminal.js";

const fromScreen = -2; // the offset that asks for the screen as it is
const scrollback = 5000; // rows
const settle = 100; // ms of quiet before a new size is asked for
const pasteShown = 64 * 1024; // bytes from which a paste shows how far it is
const askAgain = 2000; // ms between requests for a hole's bytes
const interrupts = new Set([0x03, 0x1a, 0x1c]); // ^C, ^Z and ^\

const panes = new Map();
(window.convoy ??= {}).panes = panes;

allowStyles(document.querySelector("script[nonce]")?.nonce);

/** ShellPane shows one shell in element and lets the reader type into it. */
export class ShellPane {
  #element;
  #node;
  #shell;
  #key;
  #stream;
  #input;
  #term;
  #fitter = new FitAddon();
  #screen = make("div", "shell-screen"); // may scroll, and may have a padding
  #host = make("div"); // what the terminal fills
  #paste = make("div", "shell-paste");
  #bar = make("div", "shell-bar");
  #tools = new Tools();
  #have = 0; // offset of the byte that must come next
  #drawn = 0; // offset of the first byte that is not drawn
  #part = new Uint8Array(); // the beginning of a letter whose rest has not come
  #undrawn = 0; // bytes that came and are not drawn: those that a reset skips never come
  #fresh = true; // nothing came yet: the first offset is taken as it is
  #asked = { off: -1, time: 0 }; // the last request for a hole's bytes
  #held = null; // what waits until the terminal has another size
  #replying = false; // the terminal is answering a query
  #told = ""; // how much room the shell was told that there is
  #ctrl = false; // the key row's Ctrl is down
  #gl = null;
  #timer = 0;
  #ended = false;
  #undo = [];

  constructor({ element, node, shell, viewer, stream, title = "shell" }) {
    this.#element = element;
    this.#node = node;
    this.#shell = shell;
    this.#key = `${node}/${shell}`;
    this.#stream = stream;
    this.#input = new Input({
      node, shell, viewer,
      onEnded: text => this.#end(text),
      onTrouble: text => this.#emit("shell-trouble", { text }),
      onPending: bytes => this.#showPaste(bytes),
    });
    this.#input.window = stream.window;
    element.classList.add("shell");
    element.replaceChildren(this.#screen, this.#paste, this.#bar, this.#tools.element);
    this.#paste.hidden = this.#bar.hidden = true;
    this.#makeTerminal(title);
    if (matchMedia("(pointer: coarse)").matches) element.append(this.#makeKeys());
    this.#listen();
    element.pane = this;
    panes.set(this.#key, this);
    stream.follow(this.#key, fromScreen, this.#sink);
  }

  /** tools is the line below the terminal. */
  get tools() { return this.#tools; }

  /** undrawn is how many bytes came and are not drawn yet. */
  get undrawn() { return this.#undrawn; }

  /** ended is whether nothing more comes from the shell, nor goes to it. */
  get ended() { return this.#ended; }

  /** drawn is the offset up to which the screen is drawn. */
  get drawn() { return this.#drawn; }

  /** size is the terminal's size. */
  get size() { return { rows: this.#term.rows, cols: this.#term.cols }; }

  /** text is what the screen shows, row by row; with the rows that scrolled away if whole. */
  text(whole = false) {
    const { active } = this.#term.buffer;
    const rows = [];
    for (let y = whole ? 0 : active.baseY; y < active.baseY + this.#term.rows; y++) {
      rows.push(active.getLine(y)?.translateToString(true) ?? "");
    }
    return rows.join("\n").trimEnd();
  }

  /** focus lets the reader type here. */
  focus() { this.#term.focus(); }

  /** fit tells the shell how much room there is; it takes that size if nobody else who is there owns it. */
  fit() { this.#claim(this.#told ? "take" : "offer"); }

  /** refreshTheme takes the colours and the font of the style sheet. */
  refreshTheme() {
    const look = appearance(this.#screen);
    if (JSON.stringify(look) === JSON.stringify({ ...this.#term.options, ...look })) return;
    Object.assign(this.#term.options, look);
    this.fit();
  }

  /** dispose takes the terminal away. The shell goes on. */
  dispose() {
    clearTimeout(this.#timer);
    this.#stream.unfollow(this.#key);
    this.#input.close();
    for (const undo of this.#undo) undo();
    if (panes.get(this.#key) === this) panes.delete(this.#key);
    this.#plain();
    this.#term.dispose();
    this.#element.replaceChildren();
    delete this.#element.pane;
  }

  #makeTerminal(title) {
    const where = this.#node.replace(/^.*@/, "").replace(/\..*$/, "");
    Terminal.strings.promptLabel = "Terminal";
    this.#term = new Terminal({
      ...appearance(this.#screen),
      allowProposedApi: true, // for the table of widths
      cursorBlink: false,
      cursorInactiveStyle: "outline",
      linkHandler: { activate: (_, uri) => openLink(uri) },
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
      scrollback,
    });
    this.#term.loadAddon(new Unicode11Addon());
    this.#term.unicode.activeVersion = "11"; // the widths that glibc, and so bash and vim, believe in
    this.#term.loadAddon(this.#fitter);
    this.#term.loadAddon(new WebLinksAddon((_, uri) => openLink(uri)));
    this.#host.style.height = "100%";
    this.#screen.append(this.#host);
    this.#term.open(this.#host);
    this.#term.textarea.setAttribute("aria-label", `${title} on ${where}. Shift+Escape leaves the terminal.`);
  }

  #listen() {
    const term = this.#term;
    for (const id of queries.csi) term.parser.registerCsiHandler(id, () => this.#reply());
    for (const id of queries.osc) term.parser.registerOscHandler(id, () => this.#reply());
    term.parser.registerDcsHandler(queries.dcs, () => this.#reply());
    term.onData(text => this.#typed(new TextEncoder().encode(this.#withCtrl(text))));
    term.onBinary(text => this.#typed(Uint8Array.from(text, c => c.charCodeAt(0))));
    term.attachCustomKeyEventHandler(e => this.#passes(e));
    term.textarea.addEventListener("focus", () => this.#focus());
    this.#screen.addEventListener("paste", e => this.#pasted(e), { capture: true });
    const watch = new ResizeObserver(() => this.#later());
    watch.observe(this.#screen);
    const leave = () => this.#input.leave();
    addEventListener("pagehide", leave);
    this.#undo.push(
      () => watch.disconnect(),
      () => removeEventListener("pagehide", leave),
      this.#stream.on("hello", () => this.#back()),
    );
  }

  // --- from the shell ---

  #sink = {
    output: (off, bytes) => this.#output(off, bytes),
    reset: (off, screen) => this.#reset(off, screen),
    size: (_, rows, cols) => this.#inOrder(() => this.#resize(rows, cols)),
    exit: (_, code, signal) => this.#inOrder(() => this.#end(signal ? `ended by ${signal}` : `ended with code ${code}`)),
    lost: () => this.#show("lost", "node unreachable, showing the last screen"),
    gone: () => this.#end("this shell is gone"),
  };

  // output draws bytes that begin at off: what came before is dropped, and what is missing is asked for again.
  #output(off, bytes) {
    if (this.#fresh) this.#start(off);
    if (off > this.#have) return this.#hole();
    if (off + bytes.length <= this.#have) return;
    if (off < this.#have) bytes = bytes.subarray(this.#have - off);
    this.#have += bytes.length;
    this.#undrawn += bytes.length;
    this.#stream.offset(this.#key, this.#have);
    this.#inOrder(() => this.#write(bytes));
    if (this.#bar.dataset.state === "lost") this.#show("", "");
  }

  // write draws bytes. xterm.js loses a letter that is cut behind certain bytes, so one that is not whole waits for its
  // rest; it counts as drawn, as it would in xterm.js.
  #write(bytes) {
    const n = bytes.length;
    [bytes, this.#part] = wholeLetters(this.#part, bytes);
    this.#term.write(bytes, () => {
      this.#drawn += n;
      this.#undrawn -= n;
      this.#input.ack(this.#drawn);
    });
  }

  #start(off) {
    this.#fresh = false;
    this.#have = this.#drawn = off;
    this.#stream.offset(this.#key, off);
    this.#input.begin(off);
  }

  // hole asks the server to begin again at the byte that is missing.
  #hole() {
    const now = performance.now();
    if (this.#asked.off === this.#have && now - this.#asked.time < askAgain) return; // under way
    this.#asked = { off: this.#have, time: now };
    this.#stream.follow(this.#key, this.#have);
  }

  // reset shows the screen, or clears the terminal; the next byte is the one at off. A screen begins with CAN and RIS,
  // which as bytes, not as text, also end the sequence or the letter that the bytes before were in the middle of.
  #reset(off, screen = new Uint8Array([0x18, 0x1b, 0x63])) {
    const first = this.#fresh;
    if (first) this.#start(off);
    this.#have = off;
    this.#undrawn += screen.length;
    this.#stream.offset(this.#key, off);
    this.#inOrder(() => {
      this.#part = new Uint8Array();
      this.#term.write(screen, () => {
        if (first) this.#emit("shell-drawn");
        this.#drawn = off;
        this.#undrawn -= screen.length;
        if (!first) this.#input.rebase(off);
      });
    });
  }

  // resize gives the terminal the shell's size once everything before is drawn; what comes after waits for it.
  #resize(rows, cols) {
    if (this.#bar.dataset.state === "lost") this.#show("", "");
    if (rows === this.#term.rows && cols === this.#term.cols) return;
    this.#afterDrawn(() => {
      this.#term.resize(cols, rows);
      this.#scrolls();
    });
  }

  // scrolls lets the screen scroll while the shell's size, somebody else's choice, is taller than the pane. Its end shows.
  #scrolls() {
    const tall = this.#term.element.querySelector(".xterm-screen").offsetHeight > this.#host.clientHeight;
    this.#screen.style.overflowY = tall ? "auto" : "";
    this.#screen.scrollTop = tall ? this.#screen.scrollHeight : 0;
  }

  // afterDrawn does a thing when all that was written is drawn, and holds back what comes after.
  #afterDrawn(then) {
    const held = this.#held = [];
    this.#term.write("", () => queueMicrotask(() => {
      then();
      this.#held = null;
      while (held.length && !this.#held) held.shift()();
      if (this.#held) this.#held.push(...held);
    }));
  }

  // inOrder does step now, or after what is held back.
  #inOrder(step) {
    if (this.#held) this.#held.push(step);
    else step();
  }

  // --- to the shell ---

  #typed(bytes) {
    if (this.#ended || this.#replying) return; // the shell's node answers its program, once for all viewers
    const interrupt = bytes.length === 1 && interrupts.has(bytes[0]);
    if (interrupt && !this.#paste.hidden) this.#stopPaste();
    this.#input.send(bytes, interrupt);
  }

  // reply marks what the terminal sends in this turn of the event loop as an answer of its own. Typed keys come in turns
  // of their own. It lets the terminal's own handler run.
  #reply() {
    if (!this.#replying) queueMicrotask(() => { this.#replying = false; });
    this.#replying = true;
    return false;
  }

  // back is called when the stream is open (again).
  #back() {
    this.#input.window = this.#stream.window;
    this.#input.kick();
  }

  #focus() {
    this.#claim("take");
    this.#accelerate();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.fit();
      this.#scrolls();
    }, settle);
  }

  // claim tells how much room there is, and what this page wants of the size. The size itself comes by the stream, at its
  // place in the output; typing makes it this page's.
  #claim(claim) {
    const want = this.#fitter.proposeDimensions();
    if (this.#ended || !want || !this.#screen.clientHeight) return;
    const rows = Math.min(want.rows, 1000);
    const cols = Math.min(want.cols, 1000);
    const tells = `${rows}x${cols}`;
    if (claim === "take" && tells === this.#told && rows === this.#term.rows && cols === this.#term.cols) return;
    this.#told = tells;
    this.#input.fit(rows, cols, claim);
  }

  #pasted(e) {
    e.preventDefault();
    e.stopPropagation();
    // Control characters are left out: an escape sequence could end a bracketed paste and type commands.
    const text = (e.clipboardData?.getData("text/plain") ?? "").replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "");
    this.#term.paste(text);
  }

  #showPaste(bytes) {
    this.#paste.hidden = bytes < pasteShown;
    if (this.#paste.hidden) return this.#paste.replaceChildren();
    if (!this.#paste.firstChild) this.#paste.append(make("span"), button("Stop", () => this.#stopPaste()));
    this.#paste.firstChild.textContent = `pasting, ${Math.ceil(bytes / 1024)} KiB left`;
  }

  #stopPaste() {
    this.#input.cancel();
    if (this.#term.modes.bracketedPasteMode) this.#input.send(new TextEncoder().encode("\x1b[201~"));
    this.focus();
  }

  // --- keys ---

  // passes sees every key before the terminal does, and returns whether the terminal shall have it.
  #passes(e) {
    if (e.type !== "keydown") return true;
    if (e.key === "Escape" && e.shiftKey) {
      e.preventDefault();
      this.#term.blur();
      this.#emit("shell-leave");
      return false;
    }
    if (e.ctrlKey && e.shiftKey && e.code === "KeyC") {
      e.preventDefault();
      if (this.#term.hasSelection()) copy(this.#term.getSelection());
      return false;
    }
    return !(e.ctrlKey && e.shiftKey && e.code === "KeyV"); // the browser pastes
  }

  #withCtrl(text) {
    if (!this.#ctrl || text.length !== 1) return text;
    this.#setCtrl(false);
    return text >= "@" && text <= "~" ? String.fromCharCode(text.charCodeAt(0) & 0x1f) : text;
  }

  #setCtrl(on) {
    this.#ctrl = on;
    this.#element.querySelector("[data-key=Ctrl]")?.setAttribute("aria-pressed", on);
  }

  #makeKeys() {
    const row = make("div", "shell-keys");
    row.setAttribute("role", "toolbar");
    row.setAttribute("aria-label", "Keys");
    for (const [label, name, send] of touchKeys) {
      const key = button(label, () => (send ? this.#press(send) : this.#setCtrl(!this.#ctrl)));
      key.dataset.key = name;
      key.setAttribute("aria-label", name);
      key.addEventListener("pointerdown", e => e.preventDefault()); // the terminal keeps the focus, and the keyboard stays up
      row.append(key);
    }
    return row;
  }

  #press(send) {
    const application = this.#term.modes.applicationCursorKeysMode;
    this.#term.input(send.length === 1 && send >= "A" ? (application ? "\x1bO" : "\x1b[") + send : send);
  }

  // --- the bar, the colours, the graphics card ---

  #end(text) {
    if (this.#ended) return;
    this.#ended = true;
    this.#input.close();
    this.#term.options.disableStdin = true;
    this.#show("ended", text,
      button("Restart", () => this.#emit("shell-restart")),
      button("Close", () => this.#emit("shell-close")));
    this.#emit("shell-ended", { text });
  }

  #show(state, text, ...buttons) {
    if (this.#ended && state !== "ended") return;
    this.#bar.dataset.state = this.#element.dataset.state = state;
    this.#bar.hidden = !state;
    const says = make("span");
    says.textContent = text;
    this.#bar.replaceChildren(says, ...buttons);
  }

  #emit(name, more = {}) {
    const detail = { node: this.#node, shell: this.#shell, ...more };
    this.#element.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  // accelerate gives this pane the graphics card. One pane at a time has it: a page may hold few contexts.
  async #accelerate() {
    if (accelerated === this || !hasGraphics()) return;
    accelerated?.#plain();
    accelerated = this;
    const { WebglAddon } = await import("../vendor/xterm-addon-webgl/addon-webgl.mjs");
    if (accelerated !== this) return;
    try {
      this.#gl = new WebglAddon();
      this.#gl.onContextLoss(() => this.#plain());
      this.#term.loadAddon(this.#gl);
    } catch {
      this.#plain();
    }
  }

  #plain() {
    if (accelerated === this) accelerated = null;
    this.#gl?.dispose();
    this.#gl = null;
  }
}

let accelerated = null; // the pane that draws with the graphics card
