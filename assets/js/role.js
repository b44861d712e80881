// What the reader may do here. The server decides; the page only leaves out what it would refuse.

const ranks = ["nobody", "viewer", "operator", "admin"];
const own = ranks.indexOf(document.body.dataset.role ?? "admin");

/** atLeast reports whether the reader's role is that one or a greater one. */
export const atLeast = role => own >= ranks.indexOf(role);
