// What several shells put out, compared. Nothing here knows of pages or terminals.

const long = 100_000; // letters of an output in which no names are looked for: that would take too long

/**
 * outputOf is a shell's output as it is compared. It takes what dump.js reads: entered, the line in which Enter was pressed,
 * with its prompt; rows, the lines below; last, the last line as far as the cursor. The prompt, blanks at the ends of lines
 * and empty lines at the end do not count.
 */
export function outputOf({ entered, rows, last }) {
  const lines = [...rows, beforePrompt(last, entered)].map((line) => line.trimEnd());
  while (lines.at(-1) === "") lines.pop();
  return lines.join("\n");
}

// beforePrompt is what stands in front of the prompt when a program's last line has no end. The prompt is known by having
// stood in the line in which Enter was pressed; a last line without it is another prompt, or a question.
function beforePrompt(last, entered) {
  for (let from = 0; from < last.length; from++) {
    if (entered.startsWith(last.slice(from))) return last.slice(0, from);
  }
  return "";
}

/**
 * compare puts equal outputs together. It takes {who, text, names} of each shell and returns what can be said of them:
 * words, and odd, those that differ, in the order in which they came. Without a majority all of them differ.
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

// grouped puts the outputs that are the same together, the largest group first.
function grouped(outputs) {
  const groups = [];
  for (const one of outputs) {
    const group = groups.find(([first]) => same(first, one));
    if (group) group.push(one);
    else groups.push([one]);
  }
  return groups.sort((a, b) => b.length - a.length);
}

// same is whether two outputs are equal, or would be if one shell had the other's names. A sign in the place of names would
// not do: a node may be called like something that all of them speak of.
function same(a, b) {
  return a.text === b.text || a.text === renamed(b, a) || b.text === renamed(a, b);
}

// renamed is an output with the names of another shell in the place of its own. A name counts where it stands by itself:
// "web" is not found in "website".
function renamed({ text, names }, other) {
  if (text.length > long) return text;
  const literal = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|");
  const own = new RegExp(`(?<![\\p{L}\\p{N}_-])(?:${literal})(?![\\p{L}\\p{N}_-])`, "gu");
  return text.replace(own, (name) => other.names[names.indexOf(name)]);
}
