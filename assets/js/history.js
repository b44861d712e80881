// The part of a shell's scrollback that the page does not have: fetched when the user looks for it.

/**
 * newHistory fetches that of one terminal. element shows what it does. ask() requests the whole history, and resolves to
 * whether it is coming.
 */
export function newHistory({ element, term, ask }) {
  let short = false; // the page may have less than the shell
  let asking = false;
  let refused = false; // the server does not know it

  term.onScroll(() => {
    const { viewportY, baseY } = term.buffer.active;
    if (viewportY === 0 && baseY > 0) fetchOlder();
  });

  /** fetchOlder requests the missing rows, once. */
  async function fetchOlder() {
    if (!short || asking || refused) return;
    asking = true;
    element.textContent = "loading older output…";
    if (await ask()) return;
    refused = true;
    settle();
  }

  /** settle ends a request: it was answered, or will not be. */
  function settle() {
    asking = false;
    element.textContent = "";
  }

  /**
   * reset calls draw, which restarts the terminal and calls its argument when done. If scrolled up, the user stays at
   * the same rows.
   */
  function reset(draw) {
    short = !asking;
    const place = position();
    draw(() => {
      settle();
      if (place) term.scrollToLine(lineOf(place));
    });
  }

  // position is where the user has scrolled to; null at the end.
  function position() {
    const { active } = term.buffer;
    if (active.viewportY === active.baseY) return null;
    return { above: active.baseY - active.viewportY, rows: rowsFrom(active.viewportY) };
  }

  function rowsFrom(from) {
    return Array.from({ length: term.rows }, (_, i) => rowAt(from + i));
  }

  function rowAt(y) { return term.buffer.active.getLine(y)?.translateToString(true) ?? ""; }

  // lineOf is the line at which the same rows are now: at the same distance from the end, or further up, because of new
  // output.
  function lineOf({ above, rows }) {
    const there = Math.max(0, term.buffer.active.baseY - above);
    for (let y = there; y >= 0; y--) {
      if (rows.every((row, i) => row === rowAt(y + i))) return y;
    }
    return there;
  }

  return { fetchOlder, settle, reset };
}
