// A terminal's content as text.

/** text is the screen, row by row; with the scrollback if whole. */
export function text(term, whole) {
  const { active } = term.buffer;
  const rows = [];
  for (let y = whole ? 0 : active.baseY; y < active.baseY + term.rows; y++) {
    rows.push(active.getLine(y)?.translateToString(true) ?? "");
  }
  return rows.join("\n").trimEnd();
}

/** mark remembers the cursor's row. */
export function mark(term) {
  return { row: term.registerMarker(), alternate: term.buffer.active.type === "alternate" };
}

/**
 * since is the text from a mark to the cursor, with wrapped rows joined: entered, the line with the mark; rows, the
 * lines below it; last, the cursor's line up to the cursor. Null for a full-screen program, then or now.
 */
export function since(term, { row, alternate }) {
  const { active } = term.buffer;
  if (alternate || active.type === "alternate") return null;
  const here = active.baseY + active.cursorY;
  const end = startOf(active, here);
  const known = row.line >= 0 && row.line <= here;
  // The row may have been erased with the screen, or have left the scrollback.
  const first = known ? endOf(active, row.line) + 1 : active.length < term.options.scrollback + term.rows ? active.baseY : 0;
  const rows = [];
  for (let y = first; y < end; y = endOf(active, y) + 1) rows.push(joined(active, y, endOf(active, y)));
  return {
    entered: known ? joined(active, startOf(active, row.line), endOf(active, row.line)) : "",
    rows,
    last: (here > end ? joined(active, end, here - 1) : "") + active.getLine(here).translateToString(false, 0, active.cursorX),
  };
}

const wraps = (buffer, y) => buffer.getLine(y)?.isWrapped;

function startOf(buffer, y) {
  while (y > 0 && wraps(buffer, y)) y--;
  return y;
}

function endOf(buffer, y) {
  while (wraps(buffer, y + 1)) y++;
  return y;
}

// joined is the text of rows from and to, without cells that were never written, but with written blanks.
function joined(buffer, from, to) {
  let text = "";
  for (let y = from; y <= to; y++) text += buffer.getLine(y).translateToString(true);
  return text;
}
