// The outcome of a line entered into several shells: once they are quiet, their output is compared.

import { compare, outputOf } from "./compare.js";

const quietTime = 400; // ms without output
const reportAfter = 10_000; // ms until it is reported which shells still run

/**
 * Outcome belongs to one line. members are {pane, card}; the names of cards are ignored in output. report({words, odd,
 * running, silent, whole}) is called with results, and again when they change; the lists contain members: those that
 * differ, that still run, that do not answer, and that show a full-screen program.
 */
export class Outcome {
  #runs;
  #report;
  #overdue = false; // it took too long
  #timer;

  constructor(members, report) {
    this.#report = report;
    this.#runs = members.map((member) => ({ member, place: member.pane.relay.mark(), settled: false, timer: 0, ignore: () => {} }));
    for (const run of this.#runs) run.ignore = run.member.pane.relay.onOutput(() => this.#received(run));
    this.#wait();
  }

  /** settled reports whether all members have finished, as far as can be seen. */
  get settled() { return this.#runs.every((run) => run.settled); }

  /** covers reports whether it is about exactly these members. */
  covers(members) {
    return members.length === this.#runs.length && this.#runs.every(({ member }) => members.includes(member));
  }

  /**
   * again restarts the wait: another line was entered before the first was done, and both count as one. Full-screen
   * output is not compared, so what follows it begins here.
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

  /** drop removes a member. */
  drop(member) {
    const run = this.#runs.find((one) => one.member === member);
    if (!run) return;
    this.#end(run);
    this.#runs = this.#runs.filter((one) => one !== run);
    this.#update();
  }

  /** close stops listening: later output is not part of the outcome. */
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
    this.#overdue = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#overdue = true;
      this.#update();
    }, reportAfter);
  }

  #received(run) {
    run.settled = false;
    clearTimeout(run.timer);
    run.timer = setTimeout(() => this.#quiet(run), quietTime);
  }

  // quiet is called when a shell has been quiet for a while. Output is no answer while the line may not have arrived,
  // and a cursor at the start of a line is no prompt: then it keeps waiting.
  #quiet(run) {
    const { pane } = run.member;
    if (pane.pending) {
      run.timer = setTimeout(() => this.#quiet(run), quietTime);
      return;
    }
    const seen = pane.relay.since(run.place);
    run.settled = seen?.last !== "";
    this.#update();
  }

  #update() {
    if (!this.#runs.length || !(this.settled || this.#overdue)) return;
    const [outputs, running, silent, whole] = [[], [], [], []];
    for (const { member, place, settled } of this.#runs) {
      const { pane, card } = member;
      const seen = settled && pane.relay.since(place);
      if (seen) outputs.push({ who: member, text: outputOf(seen), names: card.names });
      else if (settled) whole.push(member);
      else (pane.lost || pane.pending ? silent : running).push(member);
    }
    this.#report({ ...compare(outputs), running, silent, whole });
  }
}
