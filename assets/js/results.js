// The results of a step, below it: nodes side by side, with equal ones grouped.

import { find } from "./dom.js";
import { grouped, headline } from "./groups.js";

function make(name, className = "", text = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Results is the area below one step. */
export class Results {
  #element = make("section", "results");
  #step;
  #timer = 0;

  constructor(step) {
    this.#step = step;
    this.#element.hidden = true;
    this.#element.ariaLabel = `Results of step ${step.number}`;
    step.figure.after(this.#element);
  }

  /**
   * running shows which nodes have answered, and how long the others have taken. It returns a function that takes a
   * result.
   */
  running(nodes) {
    const began = performance.now();
    const done = [];
    const show = () => {
      const waiting = nodes.filter(({ name }) => !done.some(({ node }) => node === name));
      this.#show(done, { waiting, seconds: Math.floor((performance.now() - began) / 1000) });
    };
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(Math.floor((performance.now() - began) / 1000)), 1000);
    show();
    return (result) => {
      done.push(result);
      show();
    };
  }

  /** finished shows the results, with their time. old means that they are older than the page. */
  finished(results, at, old = false) {
    clearInterval(this.#timer);
    this.#show(results, { at, old });
  }

  #tick(seconds) {
    const time = find(".result-wait time", this.#element);
    if (time) time.textContent = `${seconds} s`;
  }

  #show(results, { waiting = [], seconds = 0, at = 0, old = false }) {
    const groups = grouped(results);
    const grid = make("div", "results-grid");
    grid.append(...groups.map((group) => column(group, !waiting.length)));
    if (waiting.length) grid.append(pending(waiting, seconds));
    this.#element.replaceChildren(this.#head(groups, results, waiting, { at, old }), grid);
    this.#element.toggleAttribute("data-old", old);
    this.#element.hidden = false;
  }

  #head(groups, results, waiting, { at, old }) {
    const head = make("p", "results-head");
    if (waiting.length) {
      head.append(make("b", "", results.length ? `${results.length} of ${results.length + waiting.length} nodes have answered` : `step ${this.#step.number} is running`));
      return head;
    }
    const words = make("b", "", headline(groups));
    words.dataset.verdict = groups.length > 1 ? "differs" : "same";
    const when = make("time", "", new Date(at).toLocaleTimeString([], { hour12: false }));
    when.dateTime = new Date(at).toISOString();
    when.title = new Date(at).toLocaleString();
    const made = make("span", "results-made", old ? "before this page was loaded, at " : "at ");
    made.append(when);
    head.append(words, made);
    return head;
  }
}

function pending(nodes, seconds) {
  const cell = make("section", "result result-wait");
  const head = make("header");
  head.append(make("span", "spin"), names(nodes.map(({ short }) => short)), make("time", "", `${seconds} s`));
  cell.append(head);
  return cell;
}

// column is one group of nodes. Lines are marked once all have answered.
function column(group, marked) {
  const cell = make("section", "result");
  cell.toggleAttribute("data-ok", group.ok);
  const head = make("header");
  head.append(names(group.nodes), make("span", "result-badge", group.badge), make("span", "result-took", seconds(group.took)));
  cell.append(head);
  if (!group.output && !group.lacks.size) {
    cell.append(make("p", "result-none", "no output"));
    return cell;
  }
  const text = make("pre");
  text.tabIndex = 0;
  text.ariaLabel = `Output of ${group.nodes.join(", ")}`;
  text.role = "group";
  text.append(...(marked ? lines(group) : [group.output]));
  cell.append(text);
  return cell;
}

function names(list) {
  const all = make("span", "result-names");
  for (const [i, name] of list.entries()) all.append(i ? ", " : "", make("b", "", name));
  return all;
}

// lines are the lines of an output; adjacent similar lines are one text.
function lines({ lines, differs, lacks }) {
  const parts = [];
  let plain = "";
  const flush = () => {
    if (plain) parts.push(plain);
    plain = "";
  };
  for (let i = 0; i <= lines.length; i++) {
    if (lacks.has(i)) {
      flush();
      parts.push(make("i", "lacks", lacks.get(i) === 1 ? "1 line missing here" : `${lacks.get(i)} lines missing here`));
    }
    if (i === lines.length) break;
    if (!differs.has(i)) {
      plain += `${lines[i]}\n`;
      continue;
    }
    flush();
    parts.push(make("mark", "", lines[i] || " "));
  }
  flush();
  return parts;
}

const seconds = (s) => (s < 10 ? `${s.toFixed(2)} s` : s < 100 ? `${s.toFixed(1)} s` : `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`);
