import headless from '@xterm/headless';
import unicode11 from '@xterm/addon-unicode11';

const HEX = ['2e3436', 'cc0000', '4e9a06', 'c4a000', '3465a4', '75507b', '06989a', 'd3d7cf',
  '555753', 'ef2929', '8ae234', 'fce94f', '729fcf', 'ad7fa8', '34e2e2', 'eeeeec'];

function palette() {
  const p = HEX.map(h => [0, 2, 4].map(i => parseInt(h.slice(i, i + 2), 16)));
  const v = [0, 0x5f, 0x87, 0xaf, 0xd7, 0xff];
  for (let i = 0; i < 216; i++) p.push([v[i / 36 | 0], v[(i / 6 | 0) % 6], v[i % 6]]);
  for (let i = 0; i < 24; i++) p.push([8 + 10 * i, 8 + 10 * i, 8 + 10 * i]);
  p.push([255, 255, 255], [0, 0, 0], [255, 255, 255]);
  return p;
}

// open makes a terminal as the page has it. seen gathers its answers and bells.
// The headless build has no theme; colour queries are answered here as
// CoreBrowserTerminal._handleColorEvent does.
export function open(rows, cols, scrollback) {
  const term = new headless.Terminal({ rows, cols, scrollback, allowProposedApi: true, logLevel: 'off' });
  term.loadAddon(new unicode11.Unicode11Addon());
  term.unicode.activeVersion = '11';
  const seen = { replies: '', bells: 0 };
  term.onData(d => { seen.replies += d; });
  term.onBell(() => { seen.bells++; });
  let colours = palette();
  term._core._inputHandler.onColor(events => {
    for (const e of events) {
      const n = e.index < 256 ? '4;' + e.index : e.index - 246;
      if (e.type === 0) {
        const hex = colours[e.index].map(v => v.toString(16).padStart(2, '0').repeat(2));
        seen.replies += `\x1b]${n};rgb:${hex.join('/')}\x1b\\`;
      } else if (e.type === 1) {
        colours[e.index] = e.color;
      } else if (e.index === undefined) {
        colours = [...palette().slice(0, 256), ...colours.slice(256)];
      } else {
        colours[e.index] = palette()[e.index];
      }
    }
  });
  const write = bytes => term._core.writeSync(bytes);
  return { term, seen, write };
}

// charsetNames returns a function from a set to the final byte that designates
// it; sets of two names have the first.
export function charsetNames() {
  const { term, write } = open(2, 2, 0);
  const byText = new Map();
  const key = set => JSON.stringify(Object.entries(set));
  for (const f of 'B04AC5RQKYE6ZH7=') {
    write(new TextEncoder().encode('\x1b(' + f));
    const set = term._core._charsetService.charset;
    if (set && !byText.has(key(set))) byText.set(key(set), f);
  }
  return set => set ? byText.get(key(set)) : 'B';
}
