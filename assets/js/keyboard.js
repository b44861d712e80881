// The keyboard of one terminal: what goes to its shell, and what the browser or the page gets.
//
// xterm.js handles keys that are not text: it sends their escape sequences. Everything else changes the text area:
// input methods, on-screen keyboards (keyCode 229), dictation, dead keys. Each change is sent once, in order, when it
// happens: what was removed as Backspaces, then what was inserted. xterm.js would compare later, and lose or repeat
// keys that come close together.

import { onMac, optionIsMeta } from "./option.js";
import { copy } from "./terminal.js";

const onAndroid = /Android/.test(navigator.userAgent);
const byInputMethod = 229; // the keyCode of keys that an input method handles
const modifiers = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"]);

/** Keyboard belongs to one terminal. leave() and find() are called for their shortcuts. */
export class Keyboard {
  #term;
  #area; // xterm.js's text area
  #view; // shows composed text
  #hooks;
  #before = null; // content of the text area before a change that is not sent; null: there is none
  #composing = false;
  #handled = false; // xterm.js has sent the last key
  #typing = false; // this sends typed text
  #leftOption = false;
  #held = new Set(); // "Ctrl" and "Alt" of the key row, for the next key

  /** onRelease is called when a key uses the held ones. */
  onRelease = () => {};

  constructor(term, hooks) {
    this.#term = term;
    this.#area = term.textarea;
    this.#view = term.element.querySelector(".composition-view");
    this.#hooks = hooks;
    Object.assign(this.#area.style, { minWidth: "1px", minHeight: "1px" }); // without a size, the caret does not move
    const listen = (type, act) => term.element.addEventListener(type, (e) => e.target === this.#area && act(e), { capture: true });
    listen("keydown", (e) => this.#keyDown(e));
    listen("keyup", () => { this.#handled = false; });
    listen("beforeinput", () => this.#expect());
    listen("input", (e) => this.#input(e));
    listen("compositionstart", (e) => this.#compose(e));
    listen("compositionupdate", (e) => e.stopPropagation());
    listen("compositionend", (e) => this.#composed(e));
    listen("blur", () => this.#finish());
    term.onRender(() => this.#composing && this.#show()); // output may move the cursor
    term.onKey(() => {
      this.#handled = true;
      if (this.#composing && !this.#area.value) this.#forget(); // xterm.js has cleared it, which ends a composition
      this.#tidy(true);
    });
  }

  /** typing reports whether the terminal sends what a key types, not what the mouse or the program makes it send. */
  get typing() { return this.#typing || ["keydown", "keypress"].includes(window.event?.type); }

  /** press types text, as a key does. */
  press(text) {
    this.settle();
    this.#type(text);
  }

  /** toggle holds "Ctrl" or "Alt" for the next key, or releases it. It returns whether it is held. */
  toggle(name) {
    this.settle();
    if (!this.#held.delete(name)) this.#held.add(name);
    return this.#held.has(name);
  }

  /** meaning is what typed text means with the held keys, which are then released. */
  meaning(text) {
    if (!text || !this.#held.size) return text;
    text = withModifiers(text, this.#held.has("Ctrl"), this.#held.has("Alt"));
    this.#held.clear();
    this.onRelease();
    return text;
  }

  /** settle sends what has changed in the text area. */
  settle() {
    if (this.#before === null) return;
    const [before, now] = [[...this.#before], [...this.#area.value]];
    let same = 0;
    while (same < before.length && before[same] === now[same]) same++;
    this.#before = this.#composing ? this.#area.value : null;
    this.#type("\x7f".repeat(before.length - same) + now.slice(same).join("").replaceAll("\n", "\r"));
    this.#tidy();
  }

  #keyDown(e) {
    this.#handled = false;
    this.#setOption(e);
    if (this.#composing && modifiers.has(e.key)) return e.stopPropagation();
    if (e.keyCode === byInputMethod && !(onMac && e.altKey && this.#term.options.macOptionIsMeta)) {
      e.stopPropagation();
      if (onAndroid && !this.#composing && !this.#area.value) this.#area.value = " "; // some keyboards delete only text
      this.#expect();
      setTimeout(() => this.#composing || this.settle()); // for browsers that report no input
      return;
    }
    this.settle();
    if (this.#shortcut(e)) return e.stopPropagation();
    const text = corrected(e);
    if (!text) return;
    e.preventDefault();
    e.stopPropagation();
    this.#type(text);
  }

  // shortcut handles the page's own keys, and reports whether this is one.
  #shortcut(e) {
    if (e.key === "Escape" && e.shiftKey) {
      e.preventDefault();
      this.#term.blur();
      this.#hooks.leave();
      return true;
    }
    const name = e.shiftKey && !e.altKey && (e.ctrlKey || e.metaKey) ? letter(e) : "";
    if (name === "v") return e.ctrlKey; // the browser pastes
    if (name !== "f" && !(name === "c" && e.ctrlKey)) return false;
    e.preventDefault();
    if (name === "f") this.#hooks.find();
    else if (this.#term.hasSelection()) copy(this.#term.getSelection());
    return true;
  }

  // setOption applies the setting to a key with Option.
  #setOption(e) {
    if (e.key === "Alt") this.#leftOption = e.location === KeyboardEvent.DOM_KEY_LOCATION_LEFT;
    if (onMac && e.altKey) this.#term.options.macOptionIsMeta = optionIsMeta(this.#leftOption);
  }

  // expect keeps the content of the text area before a change. Selected text is replaced, not deleted by the user.
  #expect() {
    const { value, selectionStart, selectionEnd } = this.#area;
    this.#before ??= value.slice(0, selectionStart) + value.slice(selectionEnd);
  }

  #input(e) {
    e.stopPropagation();
    if (!this.#composing && (this.#handled || e.inputType?.startsWith("history"))) {
      this.#before = null; // the browser has repeated a key that xterm.js has sent, or undoes what was sent
      this.#tidy(true);
    } else if (!this.#composing || this.#held.size) {
      this.settle();
    }
    this.#show();
  }

  #compose(e) {
    e.stopPropagation();
    this.#composing = true;
    this.settle();
    this.#expect();
  }

  // composed ends a composition. Some browsers insert its text only after this event.
  #composed(e) {
    e.stopPropagation();
    this.#composing = false;
    this.#show();
    setTimeout(() => this.#composing || this.settle());
  }

  // finish sends everything: the text area loses the focus, and xterm.js clears it.
  #finish() {
    this.#composing = false;
    this.settle();
    this.#show();
  }

  // forget ends a composition without its text, which is sent.
  #forget() {
    this.#composing = false;
    this.#before = null;
    this.#show();
  }

  // show shows composed text at the cursor, where xterm.js keeps the text area.
  #show() {
    const text = this.#composing ? this.#area.value.slice(this.#before?.length) : "";
    const { left, top, height, lineHeight } = this.#area.style;
    const { fontFamily, fontSize } = this.#term.options;
    this.#view.textContent = text;
    this.#view.classList.toggle("active", text !== "");
    Object.assign(this.#view.style, { left, top, height, lineHeight, fontFamily, fontSize: `${fontSize}px` });
  }

  #type(text) {
    if (!text) return;
    this.#typing = true;
    this.#term.input(text);
    this.#typing = false;
  }

  // tidy clears the text area after each word, or in any case: input methods may replace the word that is being typed,
  // but not what the shell already has. Screen readers read the text area.
  #tidy(all = false) {
    const { value } = this.#area;
    if (!value || this.#composing || this.#term.options.screenReaderMode) return;
    if (all || /\s$/.test(value)) this.#area.value = "";
  }
}

// letter is the Latin letter of a key: the one that the layout gives, else the one at its place; "" if there is none.
function letter({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return /^Key[A-Z]$/.test(code) ? code.at(-1).toLowerCase() : "";
}

// corrected is what a key types for which xterm.js goes by the wrong keyCode; "" for others. On iPads, that of Ctrl+C is
// Enter's. With Ctrl and Alt, which are AltGr, it types no character but a control code.
function corrected(e) {
  if (!e.ctrlKey || e.metaKey) return "";
  if (e.altKey) return e.key.length === 1 && e.key > "~" ? e.key : "";
  const name = e.shiftKey ? "" : letter(e);
  return name && e.keyCode !== name.toUpperCase().charCodeAt() ? control(name) : "";
}

// withModifiers is what a terminal sends for text with Ctrl or Alt: they change its first key.
function withModifiers(text, ctrl, alt) {
  const parameter = 1 + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  const [, final] = /^\x1b[[O]([A-DFHP-S])$/.exec(text) ?? [];
  if (final) return `\x1b[1;${parameter}${final}`;
  const [, number] = /^\x1b\[(\d+)~$/.exec(text) ?? [];
  if (number) return `\x1b[${number};${parameter}~`;
  const [first, ...rest] = text;
  return (alt ? "\x1b" : "") + (ctrl ? control(first) : first) + rest.join("");
}

// control is what Ctrl makes of a character, as in xterm.
function control(character) {
  const at = " /?\x7f2345678".indexOf(character);
  if (at >= 0) return "\0\x1f\x7f\b\0\x1b\x1c\x1d\x1e\x1f\x7f"[at];
  return character >= "@" && character <= "~" ? String.fromCharCode(character.charCodeAt() & 0x1f) : character;
}
