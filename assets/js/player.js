// The page that plays a recording: its clock, controls, and keys.
//
// For tests and exploration: window.convoy.player; player.text is the screen, player.position the current second.

import { clock, loadCast } from "./cast.js";
import { all, find, set } from "./dom.js";
import { call } from "./key.js";
import { Replay } from "./replay.js";

const idleSeconds = 2; // the longest pause while the box is ticked
const leap = 5; // seconds per arrow key
const frame = 250; // limit of the ms between two frames: hidden pages draw none

/** Player plays the recording named by an element. */
class Player {
  #element;
  #cast;
  #replay;
  #times; // of the events and the end, as played
  #position = 0;
  #playing = false;
  #last = 0; // time of the last frame

  constructor(element, cast) {
    this.#element = element;
    this.#cast = cast;
    this.#replay = new Replay(find(".player-screen", element), cast);
    this.#times = cast.times(this.#idle);
    this.#listen();
    this.#ready();
  }

  get text() { return this.#replay.text; }
  get size() { return this.#replay.size; }
  get position() { return this.#position; }
  get duration() { return this.#times.at(-1); }
  get playing() { return this.#playing; }

  /** settled is true when the screen is up to date. */
  get settled() { return !this.#replay.busy; }

  get #idle() { return find("[data-idle]", this.#element).checked ? idleSeconds : Infinity; }
  get #speed() { return Number(find("[data-speed]", this.#element).value); }

  #listen() {
    const seek = find("[data-seek]", this.#element);
    seek.addEventListener("input", () => this.seek(Number(seek.value)));
    find("[data-play]", this.#element).addEventListener("click", () => this.toggle());
    find(".player-screen", this.#element).addEventListener("click", () => getSelection().isCollapsed && this.toggle());
    find("[data-idle]", this.#element).addEventListener("change", () => this.#retime());
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("convoy:theme", () => this.#replay.refreshTheme());
    new ResizeObserver(() => this.#replay.fit()).observe(find(".stage", this.#element));
  }

  #ready() {
    for (const control of all("[data-play], [data-seek]", this.#element)) control.disabled = false;
    this.#showMarks();
    this.seek(0);
  }

  toggle() {
    if (this.#playing) return this.pause();
    if (this.#position >= this.duration) this.seek(0);
    this.#playing = true;
    this.#last = performance.now();
    this.#showState();
    requestAnimationFrame((now) => this.#frame(now));
  }

  pause() {
    this.#playing = false;
    this.#showState();
    this.#settle();
  }

  /** seek goes to a second. */
  seek(seconds) {
    this.#position = Math.min(Math.max(seconds, 0), this.duration);
    this.#settle();
  }

  // settle puts the screen into text, for screen readers, once it is drawn and still.
  #settle() {
    this.#draw().then(() => this.#playing || set(find("[data-text]", this.#element), this.text));
  }

  // frame is called for each frame during playback. While the screen is behind, time stops.
  #frame(now) {
    if (!this.#playing) return;
    const passed = Math.min(Math.max(now - this.#last, 0), frame);
    this.#last = now;
    if (!this.#replay.busy) {
      this.#position = Math.min(this.#position + passed / 1000 * this.#speed, this.duration);
      this.#draw();
    }
    if (this.#position >= this.duration) return this.pause();
    requestAnimationFrame((next) => this.#frame(next));
  }

  #draw() {
    this.#showTime();
    return this.#replay.show(this.#eventAfter(this.#position));
  }

  // eventAfter is the number of the first event after a second.
  #eventAfter(seconds) {
    let [low, high] = [0, this.#cast.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[middle] <= seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // retime stays at the current event, although its second changes.
  #retime() {
    const at = this.#eventAfter(this.#position);
    const since = at ? this.#position - this.#times[at - 1] : 0;
    this.#times = this.#cast.times(this.#idle);
    const gap = this.#times[at] - (at ? this.#times[at - 1] : 0);
    this.#position = (at ? this.#times[at - 1] : 0) + Math.min(since, gap);
    this.#showMarks();
    this.#showTime();
  }

  // --- keys ---

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.seek(this.#position - leap),
      ArrowRight: () => this.seek(this.#position + leap),
      Home: () => this.seek(0),
      End: () => this.seek(this.duration),
    }[event.key];
    const taken = event.key === " " ? "button, a, select, [type=checkbox]" : "select"; // these elements use the key
    if (!act || event.target.matches(taken)) return;
    event.preventDefault();
    act();
  }

  // --- display of the controls ---

  #showState() {
    const button = find("[data-play]", this.#element);
    button.setAttribute("aria-label", this.#playing ? "Pause" : "Play");
    button.title = this.#playing ? "Pause (space)" : "Play (space)";
    this.#element.toggleAttribute("data-playing", this.#playing);
  }

  #showTime() {
    const seek = find("[data-seek]", this.#element);
    const [now, whole] = [clock(this.#position), clock(this.duration)];
    seek.max = this.duration;
    seek.value = this.#position;
    seek.style.setProperty("--part", this.duration ? this.#position / this.duration : 1);
    if (seek.ariaValueText !== `${now} of ${whole}`) seek.ariaValueText = `${now} of ${whole}`;
    set(find("[data-now]", this.#element), now);
    set(find("[data-whole]", this.#element), whole);
  }

  #showMarks() {
    const list = find("[data-marks]", this.#element);
    const ticks = find("[data-ticks]", this.#element);
    list.replaceChildren();
    ticks.replaceChildren();
    this.#cast.events.forEach(({ code, data }, i) => {
      if (code !== "m" || list.children.length >= 200) return;
      const at = this.#times[i];
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button small";
      button.textContent = `${clock(at)} ${data.slice(0, 100) || "mark"}`;
      button.addEventListener("click", () => this.seek(at));
      const item = document.createElement("li");
      item.append(button);
      list.append(item);
      const tick = document.createElement("i");
      tick.style.left = `${this.duration ? at / this.duration * 100 : 0}%`;
      ticks.append(tick);
    });
    list.hidden = !list.children.length;
  }
}

const element = find(".player");
const status = find("[data-status]", element);

async function start() {
  const answer = await call(element.dataset.src, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    const { error, hint } = await answer.json().catch(() => ({}));
    throw new Error([error ?? `status ${answer.status}`, hint].filter(Boolean).join("; "));
  }
  const whole = Number(answer.headers.get("Content-Length"));
  const cast = await loadCast(answer, (bytes) => set(status, `Loading ${(bytes / 2 ** 20).toFixed(1)}${whole ? ` of ${(whole / 2 ** 20).toFixed(1)}` : ""} MiB …`));
  set(status, cast.shortened ? "The page plays the first 64 MiB. Download the recording for the rest." : "");
  (window.convoy ??= {}).player = new Player(element, cast);
}

start().catch((err) => {
  element.toggleAttribute("data-trouble", true);
  set(status, `This recording cannot be played: ${err.message}.`);
});
