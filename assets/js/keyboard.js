// The keyboard of one terminal: what goes to its shell, and what the browser or the page gets.
//
// xterm.js handles keys that are not text: it sends their escape sequences. Everything else changes the text area:
// input methods, on-screen keyboards (keyCode 229), dictation, dead keys. Each change is sent once, in order, when it
// happens: what was removed as Backspaces, then what was inserted. xterm.js would compare later, and lose or repeat
// keys that come close together.

import { copyText } from "./copy.js";
import { onMac, optionIsMeta } from "./option.js";

const onAndroid = /Android/.test(navigator.userAgent);
const byInputMethod = 229; // the keyCode of keys that an input method handles
const modifiers = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"]);

/** newKeyboard is that of one terminal. leave() and find() are called for their shortcuts. */
export function newKeyboard(term, hooks) {
  let before = null; // content of the text area before a change that is not sent; null: there is none
  let composing = false;
  let handled = false; // xterm.js has sent the last key
  let sends = false; // this sends typed text
  let leftOption = false;
  const held = new Set(); // "Ctrl" and "Alt" of the key row, for the next key
  const area = term.textarea; // xterm.js's text area
  const view = term.element.querySelector(".composition-view"); // shows composed text
  Object.assign(area.style, { minWidth: "1px", minHeight: "1px" }); // without a size, the caret does not move
  const listen = (type, act) => term.element.addEventListener(type, (e) => e.target === area && act(e), { capture: true });
  listen("keydown", keyDown);
  listen("keyup", () => { handled = false; });
  listen("beforeinput", expect);
  listen("input", input);
  listen("compositionstart", compose);
  listen("compositionupdate", (e) => e.stopPropagation());
  listen("compositionend", composed);
  listen("blur", finish);
  term.onRender(() => composing && show()); // output may move the cursor
  term.onKey(() => {
    handled = true;
    if (composing && !area.value) forget(); // xterm.js has cleared it, which ends a composition
    tidy(true);
  });

  /** typing reports whether the terminal sends what a key types, not what the mouse or the program makes it send. */
  const typing = () => sends || ["keydown", "keypress"].includes(window.event?.type);

  /** press types text, as a key does, with the modifiers of an event. */
  function press(text, { shiftKey, altKey, ctrlKey }) {
    settle();
    send(withModifiers(text, { Shift: shiftKey, Alt: altKey, Ctrl: ctrlKey }));
  }

  /** toggle holds "Ctrl" or "Alt" for the next key, or releases it. It returns whether it is held. */
  function toggle(name) {
    settle();
    if (!held.delete(name)) held.add(name);
    return held.has(name);
  }

  /** meaning is what typed text means with the held keys, which are then released. */
  function meaning(text) {
    if (!text || !held.size) return text;
    text = withModifiers(text, { Ctrl: held.has("Ctrl"), Alt: held.has("Alt") });
    held.clear();
    keyboard.onRelease();
    return text;
  }

  /** settle sends what has changed in the text area. */
  function settle() {
    if (before === null) return;
    const [was, now] = [[...before], [...area.value]];
    let same = 0;
    while (same < was.length && was[same] === now[same]) same++;
    before = composing ? area.value : null;
    send("\x7f".repeat(was.length - same) + now.slice(same).join("").replaceAll("\n", "\r"));
    tidy();
  }

  function keyDown(e) {
    handled = false;
    setOption(e);
    if (composing && modifiers.has(e.key)) return e.stopPropagation();
    const asMeta = onMac && e.altKey && term.options.macOptionIsMeta;
    const text = composing || (onMac && e.altKey && !e.ctrlKey && !asMeta) ? "" : corrected(e);
    const isComposed = e.keyCode === byInputMethod || (onMac && e.key === "Dead"); // as Firefox reports dead keys there
    if (isComposed && !asMeta && !text) {
      e.stopPropagation();
      if (onAndroid && !composing && !area.value) area.value = " "; // some keyboards delete only text
      expect();
      setTimeout(() => composing || settle()); // for browsers that report no input
      return;
    }
    settle();
    if (shortcut(e)) return e.stopPropagation();
    if (!text) return;
    e.preventDefault();
    e.stopPropagation();
    send(text);
  }

  // shortcut handles the page's own keys, and reports whether this is one.
  function shortcut(e) {
    if (e.key === "Escape" && e.shiftKey) {
      e.preventDefault();
      term.blur();
      hooks.leave();
      return true;
    }
    const name = e.shiftKey && !e.altKey && (e.ctrlKey || e.metaKey) ? letter(e) : "";
    if (name === "v") return e.ctrlKey; // the browser pastes
    if (name !== "f" && !(name === "c" && e.ctrlKey)) return false;
    e.preventDefault();
    if (name === "f") hooks.find();
    else if (term.hasSelection()) copyText(term.getSelection());
    return true;
  }

  // setOption applies the setting to a key with Option.
  function setOption(e) {
    if (e.key === "Alt") leftOption = e.location === KeyboardEvent.DOM_KEY_LOCATION_LEFT;
    if (onMac && e.altKey) term.options.macOptionIsMeta = optionIsMeta(leftOption);
  }

  // expect keeps the content of the text area before a change. Selected text is replaced, not deleted by the user.
  function expect() {
    const { value, selectionStart, selectionEnd } = area;
    before ??= value.slice(0, selectionStart) + value.slice(selectionEnd);
  }

  function input(e) {
    e.stopPropagation();
    if (!composing && (handled || e.inputType?.startsWith("history"))) {
      before = null; // the browser has repeated a key that xterm.js has sent, or undoes what was sent
      tidy(true);
    } else if (!composing || held.size) {
      settle();
    }
    show();
  }

  function compose(e) {
    e.stopPropagation();
    composing = true;
    settle();
    expect();
  }

  // composed ends a composition. Some browsers insert its text only after this event.
  function composed(e) {
    e.stopPropagation();
    composing = false;
    show();
    setTimeout(() => composing || settle());
  }

  // finish sends everything: the text area loses the focus, and xterm.js clears it.
  function finish() {
    composing = false;
    settle();
    show();
  }

  // forget ends a composition without its text, which is sent.
  function forget() {
    composing = false;
    before = null;
    show();
  }

  // show shows composed text at the cursor, where xterm.js keeps the text area.
  function show() {
    const text = composing ? area.value.slice(before?.length) : "";
    const { left, top, height, lineHeight } = area.style;
    const { fontFamily, fontSize } = term.options;
    view.textContent = text;
    view.classList.toggle("active", text !== "");
    Object.assign(view.style, { left, top, height, lineHeight, fontFamily, fontSize: `${fontSize}px` });
  }

  function send(text) {
    if (!text) return;
    sends = true;
    term.input(text);
    sends = false;
  }

  // tidy clears the text area after each word, or in any case: input methods may replace the word that is being typed,
  // but not what the shell already has. Screen readers read the text area.
  function tidy(all = false) {
    const { value } = area;
    if (!value || composing || term.options.screenReaderMode) return;
    if (all || /\s$/.test(value)) area.value = "";
  }

  /** onRelease is called when a key uses the held ones. */
  const keyboard = { typing, press, toggle, meaning, settle, onRelease: () => {} };
  return keyboard;
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
