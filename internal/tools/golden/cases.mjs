// The cases: synthetic ones from a text file, recordings of programs.
import fs from 'node:fs';
import path from 'node:path';

export const DATA = path.resolve(import.meta.dirname, '../../../pty/screen/testdata');

// unescape reads \e \r \n \t \b \a \\ \xNN, and \*N(text) for text N times.
export function unescape(text) {
  const out = [];
  const simple = { e: 27, r: 13, n: 10, t: 9, b: 8, a: 7, '\\': 92 };
  for (let i = 0; i < text.length;) {
    if (text[i] !== '\\') {
      const c = String.fromCodePoint(text.codePointAt(i));
      out.push(...Buffer.from(c));
      i += c.length;
    } else if (text[i + 1] === 'x') {
      out.push(parseInt(text.slice(i + 2, i + 4), 16));
      i += 4;
    } else if (text[i + 1] === '*') {
      const open = text.indexOf('(', i), close = text.indexOf(')', i);
      const part = unescape(text.slice(open + 1, close));
      for (let n = parseInt(text.slice(i + 2, open)); n > 0; n--) out.push(...part);
      i = close + 1;
    } else {
      if (!(text[i + 1] in simple)) throw new Error('bad escape in ' + text);
      out.push(simple[text[i + 1]]);
      i += 2;
    }
  }
  return Buffer.from(out);
}

// synthetic reads cases of the form
//   = name [rows cols [scrollback]]
//   input
//   ! rows cols        (resize)
// Blank lines and lines that begin with # are skipped.
export function synthetic() {
  const cases = [];
  for (const l of fs.readFileSync(path.join(DATA, 'synthetic.txt'), 'utf8').split('\n')) {
    if (!l || l[0] === '#') continue;
    if (l.startsWith('= ')) {
      const [, name, size] = /^= (.*?)(?: \[([\d ]+)\])?$/.exec(l);
      const [rows = 6, cols = 20, scrollback = 10] = (size ?? '').split(' ').filter(Boolean).map(Number);
      cases.push({ name, rows, cols, scrollback, steps: [] });
      continue;
    }
    const c = cases.at(-1);
    if (l.startsWith('! ')) c.steps.push({ resize: l.slice(2).split(' ').map(Number) });
    else c.steps.push({ bytes: unescape(l) });
  }
  return cases;
}

const CHECKPOINTS = 6;

// recordings makes two cases of each file name-ROWSxCOLS.raw: as recorded, and
// with the size changed at each checkpoint.
export function recordings() {
  const cases = [];
  for (const f of fs.readdirSync(DATA).filter(f => f.endsWith('.raw')).sort()) {
    const [, rows, cols] = /-(\d+)x(\d+)\.raw$/.exec(f).map(Number);
    const bytes = fs.readFileSync(path.join(DATA, f));
    const name = f.replace('.raw', '');
    const sizes = [[rows + 6, cols + 20], [rows - 4, cols - 13], [rows, cols], [rows + 3, cols >> 1], [rows >> 1, cols + 7]];
    for (const resized of [false, true]) {
      const steps = [];
      let from = 0;
      for (let i = 1; i <= CHECKPOINTS; i++) {
        const to = cut(bytes, Math.floor(bytes.length * i / CHECKPOINTS));
        steps.push({ bytes: bytes.subarray(from, to) });
        if (resized && i < CHECKPOINTS) steps.push({ resize: sizes[i - 1] });
        from = to;
      }
      cases.push({ name: name + (resized ? ' resized' : ''), rows, cols, scrollback: 100, steps });
    }
  }
  return cases;
}

// cut moves an offset to the start of a UTF-8 character: xterm.js loses some
// characters that are cut in two (interim bytes of value 0x80).
export function cut(bytes, at) {
  while (at < bytes.length && (bytes[at] & 0xc0) === 0x80) at++;
  return at;
}
