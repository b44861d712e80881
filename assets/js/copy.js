// The user's clipboard, during a click.

/** copyText copies text, and resolves to whether that worked. */
export async function copyText(text) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // refused: try the other way
  }
  return copySelected(text);
}

/** copySelected copies the old way: pages without TLS have no clipboard API. It needs a click. */
export function copySelected(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "sr";
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused.focus();
  return done;
}
