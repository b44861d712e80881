// The nodes on which something can run.

import { call } from "./key.js";

/** reachable resolves to the reachable nodes, {name, short, self}, the one that serves the page first, or throws. */
export async function reachable() {
  const answer = await call("/nodes", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const nodes = (await answer.json()).filter(({ status }) => status === "alive");
  return nodes.map(({ name, host, self }) => ({ name, short: host.split(".")[0], self })).sort((a, b) => b.self - a.self);
}
