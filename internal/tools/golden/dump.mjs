// The state of a terminal as text. pty/screen/dump_test.go writes the same text
// from a Screen; the two are compared as strings.

const HAS_EXT = 0x10000000;

// quote escapes what would not be seen. Blank cells come as U+0000.
function quote(text) {
  return '"' + text.replace(/\0+/g, m => `\\{${m.length}}`)
    .replace(/["\x01-\x1f\x7f]/g, c => '\\x' + c.charCodeAt(0).toString(16).padStart(2, '0')) + '"';
}

function colour(letter, v) {
  const mode = v >>> 24 & 3;
  if (!mode) return '';
  return letter + mode + '.' + (mode === 3 ? v & 0xffffff : v & 0xff).toString(16);
}

// attrs describes what is seen of a cell's, or the pen's, attributes.
export function attrs(term, fg, bg, ext) {
  let s = colour('f', fg) + colour('b', bg);
  const flag = (v, bit, letter) => { if (v & bit) s += letter; };
  flag(fg, 0x8000000, 'B');
  flag(bg, 0x8000000, 'D');
  flag(bg, 0x4000000, 'I');
  flag(fg, 0x20000000, 'K');
  flag(fg, 0x4000000, 'V');
  flag(fg, 0x40000000, 'H');
  flag(fg, 0x80000000, 'S');
  flag(bg, 0x40000000, 'O');
  flag(bg, 0x20000000, 'P');
  const has = bg & HAS_EXT;
  const under = fg & 0x10000000;
  if (under || has && ext.underlineStyle) {
    s += 'u' + (under ? has ? ext.underlineStyle : 1 : 0);
    if (has) s += colour('c', ext.underlineColor);
  }
  if (has && ext.urlId) {
    const l = term._core._oscLinkService.getLinkData(ext.urlId);
    s += 'l' + (l ? quote((l.id ?? '') + ';' + l.uri) : '?');
  }
  return s;
}

function line(term, l, cols) {
  let end = 0;
  for (let i = 0; i < cols; i++) {
    if (l.hasContent(i) || l.getWidth(i) !== 1 || attrsAt(term, l, i)) end = i + 1;
  }
  let text = '';
  const runs = [];
  let last = '', from = 0;
  for (let i = 0; i <= end; i++) {
    const a = i < end ? attrsAt(term, l, i) : '';
    if (a !== last || i === end) {
      if (last) runs.push(from + (i - from > 1 ? '-' + (i - 1) : '') + ':' + last);
      last = a;
      from = i;
    }
    if (i === end) break;
    const w = l.getWidth(i), chars = l.getString(i);
    if (w === 0 && !chars) {
      if (i === 0 || l.getWidth(i - 1) !== 2) text += '\x1c';
      continue;
    }
    if (w === 0) text += '\x1e';
    if (w === 2 && (i + 1 >= cols || l.getWidth(i + 1) !== 0 || l.getString(i + 1))) text += '\x1d';
    text += chars || '\0';
  }
  return { text, runs: runs.join(' ') };
}

function attrsAt(term, l, i) {
  const bg = l.getBg(i);
  return attrs(term, l.getFg(i), bg, bg & HAS_EXT ? l._extendedAttrs[i] : undefined);
}

function lines(term, name, b, out, from) {
  const rows = [];
  for (let i = from; i < b.lines.length; i++) {
    const l = b.lines.get(i);
    const { text, runs } = line(term, l, term.cols);
    if (text || runs || l.isWrapped) {
      rows.push(`${i - b.ybase}${l.isWrapped ? '+' : ''} ${quote(text)} ${runs}`.trimEnd());
    }
  }
  out.push(`${name} ${b.ybase} margins ${b.scrollTop} ${b.scrollBottom}${tabs(b, term.cols)}`, ...rows);
}

function tabs(b, cols) {
  const stops = [];
  for (let i = 0; i < cols; i++) if (b.tabs[i]) stops.push(i);
  const usual = stops.length === Math.ceil(cols / 8) && stops.every((v, i) => v === i * 8);
  return usual ? '' : ' tabs ' + stops.join(',');
}

function saved(term, b, names) {
  const row = Math.min(Math.max(b.savedY - b.ybase, 0), term.rows - 1);
  return `${row} ${Math.min(b.savedX, term.cols - 1)} ${names(b.savedCharset)} ${attrs(term, b.savedCurAttrData.fg, b.savedCurAttrData.bg & ~HAS_EXT)}`.trimEnd();
}

function modes(core) {
  const d = core.coreService.decPrivateModes, m = core.coreMouseService;
  const words = [];
  const add = (on, w) => { if (on) words.push(w); };
  add(core.coreService.modes.insertMode, 'insert');
  add(core.options.convertEol, 'newline');
  add(d.applicationCursorKeys, 'cursor-keys');
  add(d.origin, 'origin');
  add(d.wraparound, 'wrap');
  add(core.options.cursorBlink, 'blink');
  add(d.reverseWraparound, 'reverse-wrap');
  add(d.applicationKeypad, 'keypad');
  add(d.sendFocus, 'focus');
  add(d.bracketedPasteMode, 'paste');
  add(d.synchronizedOutput, 'sync');
  add(core.coreService.isCursorHidden, 'hidden');
  const mouse = { X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 }[m.activeProtocol];
  add(mouse, 'mouse=' + mouse);
  const enc = { SGR: 1006, SGR_PIXELS: 1016 }[m.activeEncoding];
  add(enc, 'encoding=' + enc);
  add(d.cursorStyle, 'style=' + d.cursorStyle);
  add(d.cursorBlink !== undefined, 'style-blink=' + d.cursorBlink);
  return words.join(' ');
}

// dump returns the state; names turns a character set into its final byte.
// history is how many rows of the history to write.
export function dump(term, names, history) {
  const core = term._core, h = core._inputHandler, cs = core._charsetService;
  const { normal, alt, active } = core.buffers;
  const out = [];
  out.push(`cursor ${active.y} ${active.x} parser ${h._parser.currentState} joined ${h._parser.precedingJoinState}`);
  out.push(`modes ${modes(core)}`);
  const pen = h._curAttrData;
  out.push(`pen ${attrs(term, pen.fg, pen.bg, pen.extended)}`.trimEnd());
  out.push(`charsets ${[0, 1, 2, 3].map(g => names(cs._charsets[g])).join('')} ${cs.glevel} ${names(cs.charset)}`);
  out.push(`saved ${saved(term, normal, names)} | ${saved(term, alt, names)}`);
  out.push(`title ${quote(h._windowTitle)}`);
  lines(term, 'normal', normal, out, Math.max(normal.ybase - history, 0));
  if (active === alt) lines(term, 'alternate', alt, out, 0);
  return out.join('\n') + '\n';
}
