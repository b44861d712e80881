// The reader's clipboard, with a click of theirs under way.

/** copyText puts text on the clipboard, and resolves to whether it is there. */
export async function copyText(text) {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // refused: perhaps the other way is not
  }
  return copySelected(text);
}

/** copySelected copies as one did before there was a clipboard for scripts: pages without TLS have none. It needs a click. */
export function copySelected(text) {
  const field = document.createElement("textarea");
  field.className = "sr";
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
