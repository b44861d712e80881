// The nodes that something can be run on.

import { call } from "./key.js";

/** reachable resolves to the nodes that can be reached, {name, short, self}, the one that serves the page first. It throws if they cannot be had. */
export async function reachable() {
  const answer = await call("/nodes", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const nodes = (await answer.json()).filter(({ status }) => status === "alive");
  return nodes.map(({ name, host, self }) => ({ name, short: host.split(".")[0], self })).sort((a, b) => b.self - a.self);
}
