// Results of a runbook's steps, kept in the tab over a reload of the page.

const most = 1024 * 1024; // letters of all results of one runbook

/** Kept holds the results of one runbook: of each step those that were made last. */
export class Kept {
  #key;
  #steps; // number of a step → {text, at, results}

  constructor(name) {
    this.#key = `convoy-runbook ${name}`;
    try {
      this.#steps = new Map(Object.entries(JSON.parse(sessionStorage.getItem(this.#key) ?? "{}")));
    } catch {
      this.#steps = new Map();
    }
  }

  /** of are a step's results, {at, results}, unless the step has been changed since. */
  of({ number, text }) {
    const kept = this.#steps.get(String(number));
    return kept?.text === text ? kept : null;
  }

  /** put keeps a step's results. Those of other steps go, the oldest first, if there is no room for all. */
  put({ number, text }, at, results) {
    const key = String(number);
    this.#steps.delete(key);
    this.#steps.set(key, { text, at, results });
    const size = () => JSON.stringify(Object.fromEntries(this.#steps)).length;
    const oldest = () => [...this.#steps].sort(([, a], [, b]) => a.at - b.at)[0][0];
    while (this.#steps.size && size() > most) this.#steps.delete(oldest());
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(Object.fromEntries(this.#steps)));
    } catch {
      // they last as long as the page
    }
  }
}
