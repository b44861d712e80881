// Running a step on nodes: one request each, and the meaning of its response.

import { sentence } from "./dom.js";
import { plain } from "./groups.js";
import { call } from "./key.js";

// Browsers open six connections per host with HTTP/1.1, for all tabs: leave some for the console.
const multiplexed = /^h[23]/.test(performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");
const places = multiplexed ? Infinity : 4;

/**
 * runOn runs a step, {kind, text}, on nodes. It calls done(result) for each, and resolves to all results, {node, short,
 * badge, ok, output, took}. Aborting the signal ends the step, on the nodes too.
 */
export async function runOn(step, nodes, signal, done) {
  const waiting = [...nodes];
  const results = [];
  const work = async () => {
    for (let node = waiting.shift(); node; node = waiting.shift()) {
      const began = performance.now();
      const result = { node: node.name, short: node.short, took: 0, ...await ask(step, node, signal) };
      result.took ||= (performance.now() - began) / 1000;
      results.push(result);
      done(result);
    }
  };
  await Promise.all(nodes.slice(0, places).map(work));
  return results;
}

async function ask({ kind, text }, node, signal) {
  if (signal.aborted) return stopped();
  const [what, body] = kind === "sh" ? ["run", { command: text }] : ["eval", { source: text }];
  let answer;
  try {
    answer = await call(`/nodes/${node.name}/${what}`, {
      method: "POST", signal, body: JSON.stringify(body), headers: { Accept: "application/json", "Content-Type": "application/json" },
    });
    return interpret(answer.status, await answer.json());
  } catch (error) {
    if (signal.aborted) return stopped();
    const text = answer ? `The answer (status ${answer.status}) cannot be read: ${error.message}` : "Convoy cannot be reached.";
    return { ok: false, badge: "failed", output: text };
  }
}

const stopped = () => ({ ok: false, badge: "stopped", output: "" });

// interpret returns the result for a step's response.
function interpret(status, answer) {
  if (status === 200 && "status" in answer) {
    const badge = answer.status < 0 ? "killed" : `exit ${answer.status}`;
    return { ok: answer.status === 0, badge, output: plain(answer.output), took: answer.took };
  }
  if (status === 200) return { ok: true, badge: "ok", output: plain(answer.result) };
  const lines = "result" in answer ? [answer.result, answer.error] : [sentence(answer.error ?? `The request failed with status ${status}`), sentence(answer.hint)];
  return { ok: false, badge: status === 504 ? "timed out" : "failed", output: plain(lines.filter(Boolean).join("\n")) };
}
