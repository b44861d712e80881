// What a terminal shows, as text, and cell by cell for tests: two terminals show the same if their cells are equal.

const flags = ["Bold", "Italic", "Dim", "Underline", "Blink", "Inverse", "Invisible", "Strikethrough", "Overline"];

/** text is what the screen shows, row by row; with the rows that scrolled away if whole. */
export function text(term, whole) {
  const { active } = term.buffer;
  const rows = [];
  for (let y = whole ? 0 : active.baseY; y < active.baseY + term.rows; y++) {
    rows.push(active.getLine(y)?.translateToString(true) ?? "");
  }
  return rows.join("\n").trimEnd();
}

/** cells is the screen: of each row the runs of equal look, as [text, foreground, background, attributes]. */
export function cells(term) {
  const { active } = term.buffer;
  const rows = [];
  for (let y = active.baseY; y < active.baseY + term.rows; y++) rows.push(runs(active.getLine(y)));
  return { rows, cursor: [active.cursorY, active.cursorX], alternate: active.type === "alternate" };
}

function runs(line) {
  const list = [];
  for (let x = 0; x < line.length; x++) {
    const cell = line.getCell(x);
    const look = [color(cell, "Fg"), color(cell, "Bg"), flags.filter(flag => cell[`is${flag}`]()).join()];
    const last = list.at(-1);
    const text = cell.getWidth() ? cell.getChars() || " " : "";
    if (last && last.slice(1).join() === look.join()) last[0] += text;
    else list.push([text, ...look]);
  }
  return list;
}

// color is a cell's colour with its mode: a default one, one of the palette, or RGB.
const color = (cell, which) => `${cell[`get${which}ColorMode`]()}:${cell[`get${which}Color`]()}`;
