// What the user may do here. The server decides; the page only omits what it would refuse.

const ranks = ["nobody", "viewer", "operator", "admin"];
const own = ranks.indexOf(document.body.dataset.role ?? "admin");

/** atLeast reports whether the user's role is that one or a higher one. */
export const atLeast = role => own >= ranks.indexOf(role);
