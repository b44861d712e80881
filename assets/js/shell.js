// A shell's terminal in the page: xterm.js on one side, the stream and the input requests on the other.
//
//   const pane = new ShellPane({ element, node, shell, viewer, stream });
//
// element gets the content of the page's #pane-template (shell_pane.html): .shell-screen (the terminal), .shell-paste
// (paste.js), .shell-floats (clipboard.js, files.js), .shell-bar (why input is not possible, and what to do),
// .shell-tools (tools.js), .shell-keys (touch.js), .shell-find (search.js), .shell-note (history.js).
//
// Events on element, all bubbling, with {node, shell} as detail: shell-drawn (there is content), shell-ended,
// shell-leave (Shift+Escape), shell-trouble (with text), shell-note (with level, text, hint), shell-state (the bar has
// changed), shell-typed (with text; by a key, or pasted), shell-pasting (with pastes, to which a listener may add those
// of other shells). Buttons with data-action are the console's.
//
// For tests and exploration: element.pane, and window.convoy.panes, a Map from 'NODE/SHELL' to pane; pane.text() is the
// screen. Nothing in it is secret.

import { newClipboard } from "./clipboard.js";
import { askChoice } from "./dialog.js";
import { find } from "./dom.js";
import { text } from "./dump.js";
import { limit, newFiles } from "./files.js";
import { newGraphics } from "./graphics.js";
import { newHistory } from "./history.js";
import { Input } from "./input.js";
import { newKeyboard } from "./keyboard.js";
import { newLatency } from "./latency.js";
import { onMac } from "./option.js";
import { newPaste } from "./paste.js";
import { newFingers, reportMiddle } from "./pointer.js";
import { newPredict } from "./predict.js";
import { newPresence } from "./presence.js";
import { newReader } from "./reader.js";
import { newRelay } from "./relay.js";
import { newSearch } from "./search.js";
import { newSize } from "./size.js";
import { pressKeys } from "./touch.js";
import { newTools } from "./tools.js";
import { appearance, make, newTerminal, once, openIn, splitUTF8 } from "./terminal.js";

const fromScreen = -2; // the offset that requests the current screen
const scrollback = 10_000; // rows, as in the shell
const settle = 100; // ms without changes before a new size is claimed
const askAgain = 2000; // ms between requests for missing bytes
const interrupts = new Set([0x03, 0x1a, 0x1c]); // ^C, ^Z and ^\

const panes = new Map();
(window.convoy ??= {}).panes = panes;

const paneContent = () => find("#pane-template").content.cloneNode(true);

// openTerminal opens a terminal in screen.
function openTerminal(screen) {
  const host = make("div");
  host.style.height = "100%";
  screen.append(host);
  const term = newTerminal(screen, { cursorInactiveStyle: "outline", scrollback });
  openIn(host, term);
  return term;
}

/** roomIn returns the size of a shell whose pane fills holder: that of a terminal that is there for a moment. */
export function roomIn(holder) {
  const pane = make("div", "pane shell probe");
  pane.append(paneContent());
  holder.append(pane);
  const screen = find(".shell-screen", pane);
  const term = openTerminal(screen);
  const size = newSize({ term, screen, tools: newTools(pane), watches: true });
  const room = size.room();
  if (room) size.resize(room.rows, room.cols); // the height of a cell depends on their number
  const exact = size.room();
  term.dispose();
  pane.remove();
  return exact ?? {};
}

/** ShellPane shows a shell in element and lets the user type into it. Its fields are to be read. */
export class ShellPane {
  /** term is the terminal of xterm.js, tools the line below it. */
  term;
  tools;

  /** relay and paste accept input from elsewhere. */
  relay;
  paste;

  /** drawn is the offset up to which the screen is drawn; undrawn is the number of received bytes that are not. */
  drawn = 0;
  undrawn = 0; // bytes skipped by a reset never arrive

  /**
   * lost: its node cannot be reached; ended: the shell sends and accepts nothing more; detached: this page does not
   * follow it.
   */
  lost = false;
  ended = false;
  detached = false;

  #element;
  #node;
  #shell;
  #key;
  #stream;
  #input;
  #screen; // may scroll, and may have a padding
  #bar;
  #presence;
  #size;
  #search;
  #history;
  #graphics;
  #reader;
  #predict;
  #title;
  #clipboard;
  #watches; // view-only
  #received = 0; // offset of the next byte
  #rest = new Uint8Array(); // incomplete UTF-8 at the end
  #empty = true; // nothing received yet: any first offset is accepted
  #asked = { off: -1, time: 0 }; // the last request for missing bytes
  #pending = null; // waits until the terminal has its new size
  #timer = 0;
  #ends = []; // what ends with the pane

  // base is the share link's path, if any; files enables file transfers, watches makes the pane view-only.
  constructor({ element, node, shell, viewer, stream, title = "shell", detached = false, base = "", files = true, watches = false }) {
    this.#element = element;
    this.#node = node;
    this.#shell = shell;
    this.#key = `${node}/${shell}`;
    this.#stream = stream;
    this.#watches = watches || stream.watches;
    element.classList.add("shell");
    element.toggleAttribute("data-watches", this.#watches);
    element.replaceChildren(paneContent());
    this.#screen = this.#part("screen");
    this.#bar = this.#part("bar");
    this.tools = newTools(element);
    this.term = openTerminal(this.#screen);
    this.term.options.disableStdin = this.#watches;
    this.#reader = newReader(this.term);
    element.append(this.#reader.element);
    const latency = newLatency(this.tools);
    this.#predict = newPredict(this.term, latency);
    this.#input = new Input({
      node, shell, viewer, base,
      onEnded: text => this.#end(text),
      onTrouble: text => this.#refused(text),
      onPending: () => this.#showPending(),
      onSend: this.#predict.sent,
      onWritten: this.#predict.written,
      onTrip: latency.add,
    });
    this.#input.window = stream.window;
    this.title = title;
    this.#makeTools();
    this.#makeTransfers(viewer, base, files);
    this.#listen();
    this.#ends.push(this.#input.close.bind(this.#input), this.#graphics.drop, this.#reader.close, latency.close, this.#predict.stop);
    element.pane = this;
    panes.set(this.#key, this);
    if (detached) this.detach();
    else stream.follow(this.#key, fromScreen, this.#sink);
  }

  /** title is the shell's title. */
  set title(title) {
    this.#title = title;
    this.#label();
  }

  /** takes reports whether input goes to the shell; pending is the number of bytes that wait for it. */
  get takes() { return !this.ended && !this.detached && !this.#watches; }
  get pending() { return this.#input.pending; }

  /** size is the terminal's size. */
  get size() { return { rows: this.term.rows, cols: this.term.cols }; }

  /** text is the screen, row by row; with the scrollback if whole. */
  text(whole = false) { return text(this.term, whole); }

  /** focus focuses the terminal. */
  focus() {
    if (this.#bar.dataset.state === "detached") find("[data-action=reattach]", this.#bar).focus();
    else this.term.focus();
  }

  /** fit reports the room; the shell takes that size unless another attached viewer owns it. */
  fit() { this.#size.fit(); }

  /** find opens the find bar. */
  find() { return this.#search.open(); }

  /** refreshTheme applies the style sheet's colours and font. */
  refreshTheme() {
    const look = appearance(this.#screen);
    this.term.options.theme = look.theme;
    this.#size.look(look);
    this.#search.again();
    this.fit();
  }

  /** detach stops following the shell, which continues. */
  detach() {
    if (this.detached || this.ended) return;
    this.detached = true;
    this.#stream.unfollow(this.#key);
    this.#presence.clear();
    this.#predict.stop();
    this.term.options.disableStdin = true;
    this.#show("detached", "Detached. The shell keeps running.");
  }

  /** reattach follows the shell again, from the last offset or from its screen. */
  reattach() {
    if (!this.detached) return;
    this.detached = this.lost = false;
    this.term.options.disableStdin = this.#watches;
    this.#show("", "");
    this.#stream.follow(this.#key, this.#empty ? fromScreen : this.#received, this.#sink);
    this.#size.fit();
  }

  /** dispose removes the terminal. The shell continues. */
  dispose() {
    this.ended = true;
    clearTimeout(this.#timer);
    this.#stream.unfollow(this.#key);
    for (const end of this.#ends) end();
    if (panes.get(this.#key) === this) panes.delete(this.#key);
    this.#presence.clear();
    this.term.dispose();
    this.#element.replaceChildren();
    delete this.#element.pane;
  }

  #part(name) { return find(`.shell-${name}`, this.#element); }

  #makeTools() {
    const { term, tools } = this;
    this.#graphics = newGraphics(term, () => this.fit());
    this.#history = newHistory({ element: this.#part("note"), term, ask: () => this.#stream.recall(this.#key) });
    this.#search = newSearch({ element: this.#part("find"), term, older: () => this.#history.fetchOlder(), leave: () => this.focus() });
    tools.add("Find (Ctrl+Shift+F)", () => this.find());
    this.#presence = newPresence({ stream: this.#stream, tools });
    this.#size = newSize({
      term, tools, watches: this.#watches, screen: this.#screen,
      report: (rows, cols, claim) => { if (this.takes) this.#input.fit(rows, cols, claim); },
    });
    if (this.#watches) return;
    const choose = template => () => askChoice(template).then(() => this.focus());
    if (onMac) tools.add("Option key…", choose("option-template"));
    tools.add("Predicted echo…", choose("predict-template"));
  }

  // makeTransfers adds pasting, copying, and files. Floating elements cover the terminal without changing its size.
  #makeTransfers(viewer, base, hasFiles) {
    const [term, node, shell] = [this.term, this.#node, this.#shell];
    const note = (level, text, hint) => this.#emit("shell-note", { level, text, hint });
    this.paste = newPaste(this.#part("paste"), term, this.#input, {
      trouble: text => this.#emit("shell-trouble", { text }),
      all: () => this.#emit("shell-pasting", { pastes: [this.paste] }).pastes,
      takes: () => this.takes,
      done: text => this.takes && this.#emit("shell-typed", { text, pasted: true }),
    });
    this.#clipboard = newClipboard(this.#part("ask"), term, { node, shell, base, drawn: () => this.drawn });
    this.#ends.push(this.#clipboard.close);
    if (!hasFiles || base || this.#watches || !limit) return;
    const files = { element: this.#part("files"), screen: this.#screen, term, node, shell, viewer, tools: this.tools, note };
    this.#ends.push(newFiles(files).close);
  }

  #listen() {
    const { term } = this;
    once(term.onWriteParsed, () => once(term.onRender, () => this.#emit("shell-drawn")));
    const keyboard = newKeyboard(term, { leave: () => this.#emit("shell-leave"), find: () => this.find() });
    pressKeys(this.#part("keys"), term, keyboard);
    this.relay = newRelay(term, keyboard, {
      send: data => this.#send(data),
      typed: text => this.takes && this.#emit("shell-typed", { text }),
    });
    reportMiddle(term, this.#screen);
    term.textarea.addEventListener("focus", () => this.#focus());
    this.#screen.addEventListener("paste", e => this.paste.take(e), { capture: true });
    const watch = new ResizeObserver(() => this.#later());
    watch.observe(this.#screen);
    const leave = () => this.#input.leave();
    addEventListener("pagehide", leave);
    this.#ends.push(
      newFingers(term, this.#screen).stop,
      () => watch.disconnect(),
      () => removeEventListener("pagehide", leave),
      this.#stream.on("hello", () => this.#reconnected()),
    );
  }

  // --- from the shell ---

  #sink = {
    output: ({ off, bytes }) => this.#output(off, bytes),
    reset: ({ off, screen }) => this.#reset(off, screen),
    size: ({ rows, cols }) => this.#inOrder(() => this.#resize(rows, cols)),
    presence: here => {
      this.#presence.show(here);
      this.#size.present(here);
    },
    exit: ({ code, signal }) => this.#inOrder(() => this.#end(signal ? `ended by ${signal}` : `ended with code ${code}`)),
    lost: () => this.#setLost(true),
    gone: ({ error }) => this.#end(error, true),
  };

  // output draws bytes from off: earlier ones are dropped, and missing ones are requested.
  #output(off, bytes) {
    if (this.#empty) this.#start(off);
    if (off > this.#received) return this.#requestGap();
    if (off + bytes.length <= this.#received) return;
    if (off < this.#received) bytes = bytes.subarray(this.#received - off);
    this.#received += bytes.length;
    this.undrawn += bytes.length;
    this.#stream.offset(this.#key, this.#received);
    this.#inOrder(() => this.#write(bytes));
    this.#setLost(false);
  }

  // write draws bytes. xterm.js loses a character that is split after certain bytes, so an incomplete one waits for its
  // rest; it counts as drawn, as in xterm.js.
  #write(bytes) {
    const n = bytes.length;
    [bytes, this.#rest] = splitUTF8(this.#rest, bytes);
    this.term.write(bytes, () => {
      this.drawn += n;
      this.undrawn -= n;
      this.#input.ack(this.drawn);
    });
  }

  #start(off) {
    this.#empty = false;
    this.#received = this.drawn = off;
    this.#stream.offset(this.#key, off);
    this.#input.begin(off);
  }

  // requestGap makes the server resume at the first missing byte.
  #requestGap() {
    const now = performance.now();
    if (this.#asked.off === this.#received && now - this.#asked.time < askAgain) return; // already requested
    this.#asked = { off: this.#received, time: now };
    this.#stream.follow(this.#key, this.#received);
  }

  // reset shows the screen, or clears the terminal; the next byte is the one at off. A screen begins with CAN and RIS,
  // which as bytes, not as text, also end an incomplete sequence or character.
  #reset(off, screen = new Uint8Array([0x18, 0x1b, 0x63])) {
    const first = this.#empty;
    if (first) this.#start(off);
    this.#received = off;
    this.undrawn += screen.length;
    this.#stream.offset(this.#key, off);
    this.#inOrder(() => {
      this.#rest = new Uint8Array();
      this.#clipboard.since(Infinity);
      this.#history.reset(then => this.term.write(screen, () => {
        this.drawn = off;
        this.#clipboard.since(off);
        this.undrawn -= screen.length;
        if (!first) this.#input.rebase(off);
        this.#reader.skip();
        then();
        this.#search.again();
      }));
    });
  }

  // resize sets the shell's size once everything before is drawn; later output waits for it.
  #resize(rows, cols) {
    this.#setLost(false);
    this.#afterDrawn(() => this.#size.resize(rows, cols));
  }

  // afterDrawn runs a function when everything written is drawn, and delays later output.
  #afterDrawn(then) {
    const held = this.#pending = [];
    this.term.write("", () => queueMicrotask(() => {
      then();
      this.#pending = null;
      while (held.length && !this.#pending) held.shift()();
      if (this.#pending) this.#pending.push(...held);
    }));
  }

  // inOrder runs step now, or after delayed output.
  #inOrder(step) {
    if (this.#pending) this.#pending.push(step);
    else step();
  }

  // --- to the shell ---

  #send(data) {
    if (!this.takes) return;
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const interrupt = bytes.length === 1 && interrupts.has(bytes[0]);
    if (interrupt && this.paste.sending()) this.paste.stop();
    this.#input.send(bytes, interrupt);
  }

  #refused(text) {
    this.#predict.stop();
    this.#emit("shell-trouble", { text });
  }

  // reconnected is called when the stream is open (again).
  #reconnected() {
    this.#input.window = this.#stream.window;
    this.#input.kick();
    this.#history.settle();
    if (!this.#empty && !this.ended) this.#clipboard.reopened();
  }

  #focus() {
    this.#size.claim("take");
    this.#graphics.take();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#size.look(appearance(this.#screen)); // the zoom may have changed
      this.fit();
    }, settle);
  }

  // --- the bar ---

  // setLost shows whether the node can be reached, and the input that waits for it.
  #setLost(lost) {
    if (lost === this.lost) return;
    this.lost = lost;
    this.#showWaiting();
  }

  #showPending() {
    this.paste.show(this.#input.pending);
    this.#showWaiting();
  }

  #showWaiting() {
    const { keys, late } = this.#input;
    const wait = keys === 1 ? "1 key waits" : keys ? `${keys.toLocaleString()} keys wait` : "";
    if (this.lost) this.#show("lost", `node unreachable, showing the last screen${wait && ` · ${wait}`}`);
    else if (late && !this.paste.sending()) this.#show("late", `no answer yet · ${wait}`);
    else if (["lost", "late"].includes(this.#bar.dataset.state)) this.#show("", "");
  }

  #end(text, gone = false) {
    if (this.ended) return;
    this.ended = true;
    this.lost = false;
    this.#input.close();
    this.#clipboard.close();
    this.#presence.clear();
    this.#predict.stop();
    this.term.options.disableStdin = true;
    this.#bar.toggleAttribute("data-gone", gone); // nothing is left to restart
    this.#show("ended", text);
    this.#emit("shell-ended", { text });
  }

  #show(state, text) {
    if ((this.ended && state !== "ended") || (this.detached && state !== "detached")) return;
    if (state) this.#emit("shell-drawn");
    if (state !== this.#element.dataset.state) this.#reader.say(text); // not each key that waits
    this.#bar.dataset.state = this.#element.dataset.state = state;
    this.#bar.hidden = !state;
    this.#bar.firstElementChild.textContent = text;
    this.#label();
    this.#emit("shell-state");
  }

  // label names the terminal, with its state, and the keys that a screen reader's user has to know.
  #label() {
    const where = this.#node.replace(/^.*@/, "").replace(/\..*$/, "");
    const state = this.#bar.firstElementChild.textContent.replace(/\.$/, "") || (this.#watches ? "view only" : "running");
    const keys = "Shift+Escape leaves the terminal, Alt+Shift+F1 turns screen reader support on or off.";
    this.term.textarea.setAttribute("aria-label", `${this.#title} on ${where}, ${state}. ${keys}`);
  }

  #emit(name, more = {}) {
    const detail = { node: this.#node, shell: this.#shell, ...more };
    this.#element.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
    return detail;
  }
}
