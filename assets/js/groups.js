// Comparing the results of several nodes. This module does not touch the page.

const mostCells = 4_000_000; // of a comparison of two outputs, line by line

// Non-text in a program's output: CSI, OSC, and the other sequences of ECMA-48; then control characters.
const sequences = /\x1b\[[0-?]*[ -/]*[@-~]?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?/g;
const controls = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * plain is an output without colours and other controls. As on a screen, text after a carriage return replaces the
 * line.
 */
export function plain(output) {
  const lines = output.replace(/\r\n/g, "\n").split("\n");
  return lines.map((line) => line.slice(line.trimEnd().lastIndexOf("\r") + 1).replace(sequences, "").replace(controls, "")).join("\n").trimEnd();
}

/**
 * grouped groups equal results: {badge, ok, output, took, nodes}, the largest group first. Each has differs, the
 * numbers of its lines that the largest group lacks, and lacks, a map from a line number to the count of the largest
 * group's lines missing before it.
 */
export function grouped(results) {
  const groups = new Map();
  for (const { short, badge, ok, output, took } of results) {
    const key = `${badge}\n${output}`;
    const group = groups.get(key) ?? { badge, ok, output, took: 0, nodes: [], lines: output.split("\n"), differs: new Set(), lacks: new Map() };
    group.nodes.push(short);
    group.took = Math.max(group.took, took);
    groups.set(key, group);
  }
  const list = [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length);
  const [first, second] = list;
  for (const group of list.slice(1)) mark(group, first);
  // Of two equally large groups, neither is the reference.
  if (second && second.nodes.length === first.nodes.length) mark(first, second);
  return list;
}

// mark records a group's additional and missing lines, compared to another.
function mark(group, other) {
  const same = common(group.lines, other.lines);
  let next = 0; // line of other
  for (const i of group.lines.keys()) {
    const at = same.get(i);
    if (at === undefined) {
      group.differs.add(i);
      continue;
    }
    if (at > next) group.lacks.set(i, at - next);
    next = at + 1;
  }
  const rest = other.lines.length - next;
  if (rest > 0) group.lacks.set(group.lines.length, rest);
  // A changed line is not also missing.
  for (const [i, n] of group.lacks) {
    let others = 0;
    while (group.differs.has(i - 1 - others)) others++;
    if (n > others) group.lacks.set(i, n - others);
    else group.lacks.delete(i);
  }
}

// common is the longest common subsequence of two lists of lines: a map from one's line to the other's.
function common(a, b) {
  const pairs = new Map();
  let [from, toA, toB] = [0, a.length, b.length];
  while (from < toA && from < toB && a[from] === b[from]) pairs.set(from, from++);
  while (toA > from && toB > from && a[toA - 1] === b[toB - 1]) pairs.set(--toA, --toB);
  const [rows, cols] = [toA - from, toB - from];
  if ((rows + 1) * (cols + 1) > mostCells) return sameAt(pairs, a, b, from, toA, toB);
  const length = new Uint32Array((rows + 1) * (cols + 1)); // of the common part from there
  const at = (i, j) => i * (cols + 1) + j;
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = cols - 1; j >= 0; j--) {
      length[at(i, j)] = a[from + i] === b[from + j] ? length[at(i + 1, j + 1)] + 1 : Math.max(length[at(i + 1, j)], length[at(i, j + 1)]);
    }
  }
  for (let i = 0, j = 0; i < rows && j < cols;) {
    if (a[from + i] === b[from + j]) pairs.set(from + i++, from + j++);
    else if (length[at(i + 1, j)] >= length[at(i, j + 1)]) i++;
    else j++;
  }
  return pairs;
}

// sameAt compares very long outputs by line number.
function sameAt(pairs, a, b, from, toA, toB) {
  for (let i = from; i < toA && i < toB; i++) if (a[i] === b[i]) pairs.set(i, i);
  return pairs;
}

/** headline summarizes how far the groups agree. */
export function headline(groups) {
  const sizes = groups.map(({ nodes }) => nodes.length);
  const all = sizes.reduce((sum, n) => sum + n, 0);
  if (all === 1) return "1 node";
  if (groups.length === 1) return `the same on ${all} nodes`;
  if (sizes[0] === 1) return all === 2 ? "2 nodes differ" : `all ${all} nodes differ`;
  if (sizes[0] === sizes[1]) return `${sizes.join(" and ")} nodes differ`;
  const rest = all - sizes[0];
  return `${sizes[0]} nodes agree, ${rest} ${rest === 1 ? "differs" : "differ"}`;
}
