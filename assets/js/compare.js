// Comparing the output of several shells. This module does not touch the page or terminals.

const maxCharacters = 100_000; // names are not searched in longer outputs, which would take too long

/**
 * outputOf returns a shell's output for comparison. It takes what dump.js reads: entered, the line in which Enter was
 * pressed, with its prompt; rows, the lines below; last, the last line up to the cursor. It omits the prompt, trailing
 * blanks, and empty lines at the end.
 */
export function outputOf({ entered, rows, last }) {
  const lines = [...rows, beforePrompt(last, entered)].map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  return lines.join("\n");
}

// beforePrompt is the text before the prompt if a program's last line is unterminated. The prompt is the one in the
// line in which Enter was pressed; a last line without it is another prompt, or a question.
function beforePrompt(last, entered) {
  for (let from = 0; from < last.length; from++) {
    if (entered.startsWith(last.slice(from))) return last.slice(0, from);
  }
  return "";
}

/**
 * compare groups equal outputs. It takes {who, text, names} of each shell and returns words, and odd, the differing
 * ones in their order. Without a majority, all differ.
 */
export function compare(outputs) {
  const groups = grouped(outputs);
  const [most = [], next = []] = groups;
  if (groups.length < 2) return { words: most.length > 1 ? `the same on ${most.length}` : "", odd: [] };
  const rest = outputs.length - most.length;
  if (most.length > next.length) {
    return {
      words: `${most.length} agree, ${rest} ${rest === 1 ? "differs" : "differ"}`,
      odd: outputs.filter((one) => !most.includes(one)).map(({ who }) => who),
    };
  }
  const all = outputs.length > 2 ? `all ${outputs.length}` : "the two";
  const sizes = groups.map((group) => group.length).join(" and ");
  return { words: `${most.length > 1 ? sizes : all} differ`, odd: groups.flat().map(({ who }) => who) };
}

// grouped groups equal outputs, the largest group first.
function grouped(outputs) {
  const groups = [];
  for (const one of outputs) {
    const group = groups.find(([first]) => same(first, one));
    if (group) group.push(one);
    else groups.push([one]);
  }
  return groups.sort((a, b) => b.length - a.length);
}

// same reports whether two outputs are equal, or would be if one shell had the other's names. A placeholder for names
// would not do: a node may be called like a word in all outputs.
function same(a, b) {
  return a.text === b.text || a.text === renamed(b, a) || b.text === renamed(a, b);
}

// renamed replaces a shell's names in its output by another shell's. Only whole words count: "web" is not found in
// "website".
function renamed({ text, names }, other) {
  if (text.length > maxCharacters) return text;
  const literal = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|");
  const own = new RegExp(`(?<![\\p{L}\\p{N}_-])(?:${literal})(?![\\p{L}\\p{N}_-])`, "gu");
  return text.replace(own, (name) => other.names[names.indexOf(name)]);
}
