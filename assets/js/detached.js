// The shells that this tab does not follow, although they run.

import { remember, remembered, thisTab } from "./dom.js";

const stored = "convoy-detached"; // in this tab's storage: keys of detached shells

/** detached is the set of these shells, NODE/SHELL; it survives a reload. */
export const detached = {
  all: () => new Set(JSON.parse(remembered(stored, thisTab) ?? "[]")),
  has: key => detached.all().has(key),
  set(key, on) {
    const keys = detached.all();
    if (on) keys.add(key);
    else keys.delete(key);
    remember(stored, JSON.stringify([...keys]), thisTab);
  },
};
