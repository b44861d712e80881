// The state of a terminal like those of the console's pages after some steps, as text.
import { dump } from "/golden/dump.mjs";
import { Unicode11Addon } from "/vendor/xterm-addon-unicode11/addon-unicode11.mjs";
import { Terminal } from "/vendor/xterm/xterm.mjs";

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// setName identifies a character set.
const setName = (set) => (set ? JSON.stringify(Object.entries(set)) : "B");

window.state = async (path, history) => {
  const steps = await (await fetch(path)).json();
  const term = new Terminal({ allowProposedApi: true, logLevel: "off", scrollback: 10_000 });
  term.loadAddon(new Unicode11Addon());
  term.unicode.activeVersion = "11";
  for (const { Bytes, Rows, Cols } of steps) {
    if (Rows) term.resize(Cols, Rows);
    if (Bytes) await new Promise((done) => term.write(bytesOf(Bytes), done));
  }
  const text = dump(term, setName, history);
  term.dispose();
  return text.replace(/^(normal|alternate) \d+/gm, "$1"); // how many rows there are above, which may not all be kept
};
