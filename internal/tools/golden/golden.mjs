// Golden makes, or checks, the files that pty/screen is compared with.
//
//   npm install
//   node golden.mjs                    writes testdata/*.golden
//   node golden.mjs --check            compares them with what would be written
//   node golden.mjs --check-snapshots DIR
//
// The last one takes the snapshots that `CONVOY_SNAPSHOTS=DIR go test
// ./pty/screen -run TestSnapshotFiles` writes, feeds each to a fresh terminal and
// compares that with the text that the test wrote beside it.
import fs from 'node:fs';
import path from 'node:path';
import { dump } from './dump.mjs';
import { open, charsetNames } from './terminal.mjs';
import { DATA, recordings, synthetic } from './cases.mjs';

const names = charsetNames();

// run returns a case's golden text: the state after the last step, and of
// recordings after each.
function run(c, each) {
  const { term, seen, write } = open(c.rows, c.cols, c.scrollback);
  let out = `== ${c.name}\n`;
  c.steps.forEach((step, i) => {
    if (step.resize) term.resize(step.resize[1], step.resize[0]);
    else if (step.bytes.length) write(step.bytes);
    const last = i === c.steps.length - 1;
    if (!each && !last) return;
    out += `@ ${i}\n` + dump(term, names, last ? c.scrollback : 0);
    if (seen.bells) out += `bells ${seen.bells}\n`;
    if (seen.replies) out += `replies ${JSON.stringify(seen.replies)}\n`;
  });
  return out;
}

function golden() {
  return {
    'synthetic.golden': synthetic().map(c => run(c, false)).join(''),
    'recordings.golden': recordings().map(c => run(c, true)).join(''),
  };
}

function checkSnapshots(dir) {
  let bad = 0, n = 0, bytes = 0;
  for (const f of fs.readdirSync(dir).filter(f => f.endsWith('.snapshot')).sort()) {
    const want = fs.readFileSync(path.join(dir, f.replace('.snapshot', '.dump')), 'utf8');
    const [head, rows, cols, scrollback] = /^# (\d+) (\d+) (\d+)\n/.exec(want);
    const snapshot = fs.readFileSync(path.join(dir, f));
    const { term, seen, write } = open(+rows, +cols, +scrollback);
    write(snapshot);
    const got = dump(term, names, +scrollback);
    n++;
    bytes += snapshot.length;
    if (got !== want.slice(head.length) || seen.replies || seen.bells) {
      bad++;
      if (bad <= 10) difference(f, want.slice(head.length), got + seen.replies);
    }
  }
  console.log(`${n - bad} of ${n} snapshots equal, ${Math.round(bytes / n)} bytes on average`);
  process.exit(bad ? 1 : 0);
}

function difference(name, want, got) {
  const w = want.split('\n'), g = got.split('\n');
  for (let i = 0; i < Math.max(w.length, g.length); i++) {
    if (w[i] !== g[i]) console.log(`${name}:${i + 1}\n  want ${w[i]}\n  got  ${g[i]}`);
  }
}

const [mode, dir] = process.argv.slice(2);
if (mode === '--check-snapshots') checkSnapshots(dir);
let bad = 0;
for (const [f, text] of Object.entries(golden())) {
  const file = path.join(DATA, f);
  if (mode !== '--check') fs.writeFileSync(file, text);
  else if (fs.readFileSync(file, 'utf8') !== text) {
    bad++;
    console.log(`${f} differs`);
  }
}
process.exit(bad ? 1 : 0);
