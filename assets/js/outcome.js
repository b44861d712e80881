// What became of a line that was entered into several shells: once they are quiet, what they put out is compared.

import { compare, outputOf } from "./compare.js";

const quiet = 400; // ms without output
const most = 10_000; // ms until it is said which of them still run

/**
 * Outcome is of one line. members are {pane, names}, of which names do not count in an output. tell({words, odd, running,
 * silent, whole}) is called when there is something to say, and again when there is something else to say; the lists are
 * of members: those that differ, that still run, that do not answer, and that show a full-screen program.
 */
export class Outcome {
  #runs;
  #tell;
  #late = false; // it took too long
  #timer;

  constructor(members, tell) {
    this.#tell = tell;
    this.#runs = members.map((member) => ({ member, place: member.pane.relay.mark(), settled: false, timer: 0, ignore: () => {} }));
    for (const run of this.#runs) run.ignore = run.member.pane.relay.onOutput(() => this.#heard(run));
    this.#wait();
  }

  /** settled is whether all of them have done what they were told, as far as can be seen. */
  get settled() { return this.#runs.every((run) => run.settled); }

  /** covers reports whether it is about just these members. */
  covers(members) {
    return members.length === this.#runs.length && this.#runs.every(({ member }) => members.includes(member));
  }

  /**
   * again begins to wait anew: one more line was entered before the one before was done, and both are one. What a
   * full-screen program shows is not compared, so that what comes after it begins here.
   */
  again() {
    for (const run of this.#runs) {
      run.settled = false;
      if (!run.place.alternate) continue;
      run.place.row.dispose();
      run.place = run.member.pane.relay.mark();
    }
    this.#wait();
  }

  /** drop leaves a member out. */
  drop(member) {
    const run = this.#runs.find((one) => one.member === member);
    if (!run) return;
    this.#end(run);
    this.#runs = this.#runs.filter((one) => one !== run);
    this.#say();
  }

  /** close ends the listening: what comes from now on is not what was entered. */
  close() {
    clearTimeout(this.#timer);
    for (const run of this.#runs) this.#end(run);
    this.#runs = [];
  }

  #end(run) {
    clearTimeout(run.timer);
    run.ignore();
    run.place.row.dispose();
  }

  #wait() {
    this.#late = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.#say();
    }, most);
  }

  #heard(run) {
    run.settled = false;
    clearTimeout(run.timer);
    run.timer = setTimeout(() => this.#quiet(run), quiet);
  }

  // quiet is called when a shell has been quiet for a while. What was heard is no answer while the line may not even have
  // arrived, and a cursor at the beginning of a line is no prompt's: then it goes on waiting.
  #quiet(run) {
    const { pane } = run.member;
    if (pane.pending) {
      run.timer = setTimeout(() => this.#quiet(run), quiet);
      return;
    }
    const seen = pane.relay.since(run.place);
    run.settled = seen?.last !== "";
    this.#say();
  }

  #say() {
    if (!this.#runs.length || !(this.settled || this.#late)) return;
    const [outputs, running, silent, whole] = [[], [], [], []];
    for (const { member, place, settled } of this.#runs) {
      const { pane, names } = member;
      const seen = settled && pane.relay.since(place);
      if (seen) outputs.push({ who: member, text: outputOf(seen), names });
      else if (settled) whole.push(member);
      else (pane.lost || pane.pending ? silent : running).push(member);
    }
    this.#tell({ ...compare(outputs), running, silent, whole });
  }
}
