// The outcome of a line entered into several shells: once they are quiet, their output is compared.

import { compare, outputOf } from "./compare.js";

const quietTime = 400; // ms without output
const reportAfter = 10_000; // ms until it is reported which shells still run

/**
 * newOutcome is that of one line. members are {pane, card}; the names of cards are ignored in output. report({words, odd,
 * running, silent, whole}) is called with results, and again when they change; the lists contain members: those that
 * differ, that still run, that do not answer, and that show a full-screen program.
 */
export function newOutcome(members, report) {
  let overdue = false; // it took too long
  let timer = 0;
  let runs = members.map((member) => ({ member, place: member.pane.relay.mark(), settled: false, timer: 0, ignore: () => {} }));
  for (const run of runs) run.ignore = run.member.pane.relay.onOutput(() => received(run));
  wait();

  /** settled reports whether all members have finished, as far as can be seen. */
  const settled = () => runs.every((run) => run.settled);

  /** covers reports whether it is about exactly these members. */
  function covers(others) {
    return others.length === runs.length && runs.every(({ member }) => others.includes(member));
  }

  /**
   * again restarts the wait: another line was entered before the first was done, and both count as one. Full-screen
   * output is not compared, so what follows it begins here.
   */
  function again() {
    for (const run of runs) {
      run.settled = false;
      if (!run.place.alternate) continue;
      run.place.row.dispose();
      run.place = run.member.pane.relay.mark();
    }
    wait();
  }

  /** drop removes a member. */
  function drop(member) {
    const run = runs.find((one) => one.member === member);
    if (!run) return;
    end(run);
    runs = runs.filter((one) => one !== run);
    update();
  }

  /** close stops listening: later output is not part of the outcome. */
  function close() {
    clearTimeout(timer);
    for (const run of runs) end(run);
    runs = [];
  }

  function end(run) {
    clearTimeout(run.timer);
    run.ignore();
    run.place.row.dispose();
  }

  function wait() {
    overdue = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
      overdue = true;
      update();
    }, reportAfter);
  }

  function received(run) {
    run.settled = false;
    clearTimeout(run.timer);
    run.timer = setTimeout(() => quiet(run), quietTime);
  }

  // quiet is called when a shell has been quiet for a while. Output is no answer while the line may not have arrived,
  // and a cursor at the start of a line is no prompt: then it keeps waiting.
  function quiet(run) {
    const { pane } = run.member;
    if (pane.pending) {
      run.timer = setTimeout(() => quiet(run), quietTime);
      return;
    }
    const seen = pane.relay.since(run.place);
    run.settled = seen?.last !== "";
    update();
  }

  function update() {
    if (!runs.length || !(settled() || overdue)) return;
    const [outputs, running, silent, whole] = [[], [], [], []];
    for (const { member, place, settled: quiet } of runs) {
      const { pane, card } = member;
      const seen = quiet && pane.relay.since(place);
      if (seen) outputs.push({ who: member, text: outputOf(seen), names: card.names });
      else if (quiet) whole.push(member);
      else (pane.lost || pane.pending ? silent : running).push(member);
    }
    report({ ...compare(outputs), running, silent, whole });
  }

  return { settled, covers, again, drop, close };
}
