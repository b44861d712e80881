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

  /** press types text, as a key does, with the modifiers of an event. */
  press(text, { shiftKey, altKey, ctrlKey }) {
    this.settle();
    this.#type(withModifiers(text, { Shift: shiftKey, Alt: altKey, Ctrl: ctrlKey }));
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
    text = withModifiers(text, { Ctrl: this.#held.has("Ctrl"), Alt: this.#held.has("Alt") });
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
    const asMeta = onMac && e.altKey && this.#term.options.macOptionIsMeta;
    const text = this.#composing || (onMac && e.altKey && !e.ctrlKey && !asMeta) ? "" : corrected(e);
    const isComposed = e.keyCode === byInputMethod || (onMac && e.key === "Dead"); // as Firefox reports dead keys there
    if (isComposed && !asMeta && !text) {
      e.stopPropagation();
      if (onAndroid && !this.#composing && !this.#area.value) this.#area.value = " "; // some keyboards delete only text
      this.#expect();
      setTimeout(() => this.#composing || this.settle()); // for browsers that report no input
      return;
    }
    this.settle();
    if (this.#shortcut(e)) return e.stopPropagation();
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

// letter is the Latin letter of a key: the one that the layout gives, or that at its place if the layout's is not ASCII;
// "" if there is none.
function letter({ key, code }) {
  if (/^[ -~]$/.test(key)) return /[a-z]/i.test(key) ? key.toLowerCase() : "";
  return /^Key[A-Z]$/.test(code) ? code.at(-1).toLowerCase() : "";
}

// corrected is what a key with Ctrl or Alt types, if xterm.js would go by the wrong keyCode or has no code for it; "" for
// others. The keyCode of Ctrl+C is Enter's on iPads, and that of an input method elsewhere. With Ctrl and Alt, which are
// AltGr, a key types no character but a control code.
function corrected(e) {
  const { key, keyCode, ctrlKey, altKey, shiftKey } = e;
  if (key.length !== 1 || e.metaKey || !(ctrlKey || altKey)) return "";
  if (ctrlKey && altKey && key > "~") return key;
  const name = letter(e) || key;
  const isLetter = /^[a-z]$/.test(name);
  const isRight = isLetter ? keyCode === name.toUpperCase().charCodeAt() : keyCode >= 32 && keyCode !== byInputMethod;
  const code = ctrlKey ? control(name) : name;
  if (altKey) return isRight || e.getModifierState("AltGraph") ? "" : `\x1b${shiftKey && !ctrlKey ? key : code}`;
  return (isLetter ? !isRight && !shiftKey : code !== name) ? code : "";
}

// withModifiers is what a terminal sends for text with more modifiers: they change its first key, which may have some.
function withModifiers(text, { Shift, Alt, Ctrl }) {
  const more = (Shift ? 1 : 0) + (Alt ? 2 : 0) + (Ctrl ? 4 : 0);
  if (!more) return text;
  const [, number = "1", has = "1", final] = /^\x1b(?:O|\[)(?:(\d+)(?:;(\d+))?)?([A-DFHP-S~])$/.exec(text) ?? [];
  if (final) return `\x1b[${number};${1 + ((has - 1) | more)}${final}`;
  if (Shift && text === "\t") return "\x1b[Z";
  const [, meta, first, rest] = /^(\x1b(?=.$))?(.)(.*)$/su.exec(text);
  return (Alt || meta ? "\x1b" : "") + (Ctrl ? control(first) : first) + rest;
}

// control is what Ctrl makes of a character, as in xterm.
function control(character) {
  const at = " /?\x7f2345678".indexOf(character);
  if (at >= 0) return "\0\x1f\x7f\b\0\x1b\x1c\x1d\x1e\x1f\x7f"[at];
  return character >= "@" && character <= "~" ? String.fromCharCode(character.charCodeAt() & 0x1f) : character;
}
