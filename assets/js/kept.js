// Results of a runbook's steps, kept in the tab across reloads.

const maxCharacters = 1024 * 1024; // for all results of a runbook

/** Kept stores the latest results of each step of a runbook. */
export class Kept {
  #key;
  #steps; // step number → {text, at, results}

  constructor(name) {
    this.#key = `convoy-runbook ${name}`;
    try {
      this.#steps = new Map(Object.entries(JSON.parse(sessionStorage.getItem(this.#key) ?? "{}")));
    } catch {
      this.#steps = new Map();
    }
  }

  /** of returns a step's results, {at, results}, unless the step has changed since. */
  of({ number, text }) {
    const kept = this.#steps.get(String(number));
    return kept?.text === text ? kept : null;
  }

  /** put stores a step's results. If there is no room, the oldest results of other steps are dropped. */
  put({ number, text }, at, results) {
    const key = String(number);
    this.#steps.delete(key);
    this.#steps.set(key, { text, at, results });
    const size = () => JSON.stringify(Object.fromEntries(this.#steps)).length;
    const oldest = () => [...this.#steps].sort(([, a], [, b]) => a.at - b.at)[0][0];
    while (this.#steps.size && size() > maxCharacters) this.#steps.delete(oldest());
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(Object.fromEntries(this.#steps)));
    } catch {
      // this page only
    }
  }
}
