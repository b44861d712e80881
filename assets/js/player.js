// The page that plays a recording: its clock, controls, and keys.
//
// For tests and exploration: window.convoy.player; player.text is the screen, player.position the current second.

import { clock, loadCast } from "./cast.js";
import { find, set, stamp } from "./dom.js";
import { call } from "./key.js";
import { Replay } from "./replay.js";

const idleSeconds = 2; // the longest pause while the box is ticked
const leap = 5; // seconds per arrow key
const frame = 250; // limit of the ms between two frames: hidden pages draw none

/** Player plays the recording named by an element. position is the current second. Its fields are to be read. */
class Player {
  position = 0;
  playing = false;
  #element;
  #cast;
  #replay;
  #times; // of the events and the end, as played
  #last = 0; // time of the last frame

  constructor(element, cast) {
    this.#element = element;
    this.#cast = cast;
    this.#replay = new Replay(find(".player-screen", element), cast);
    this.#times = cast.times(this.#idle);
    this.#listen();
    for (const control of [this.#part("play"), this.#part("seek")]) control.disabled = false;
    this.#showMarks();
    this.seek(0);
  }

  get text() { return this.#replay.text; }
  get size() { return this.#replay.size; }
  get duration() { return this.#times.at(-1); }

  /** settled is true when the screen is up to date. */
  get settled() { return !this.#replay.busy; }

  get #idle() { return this.#part("idle").checked ? idleSeconds : Infinity; }

  #part(name) { return find(`[data-${name}]`, this.#element); }

  #listen() {
    const seek = this.#part("seek");
    seek.addEventListener("input", () => this.seek(Number(seek.value)));
    this.#part("play").addEventListener("click", () => this.toggle());
    find(".player-screen", this.#element).addEventListener("click", () => getSelection().isCollapsed && this.toggle());
    this.#part("idle").addEventListener("change", () => this.#retime());
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("convoy:theme", () => this.#replay.refreshTheme());
    new ResizeObserver(() => this.#replay.fit()).observe(find(".stage", this.#element));
  }

  toggle() {
    if (this.playing) return this.pause();
    if (this.position >= this.duration) this.seek(0);
    this.playing = true;
    this.#last = performance.now();
    this.#showState();
    requestAnimationFrame((now) => this.#frame(now));
  }

  pause() {
    this.playing = false;
    this.#showState();
    this.#settle();
  }

  /** seek goes to a second. */
  seek(seconds) {
    this.position = Math.min(Math.max(seconds, 0), this.duration);
    this.#settle();
  }

  // settle puts the screen into text, for screen readers, once it is drawn and still.
  #settle() {
    this.#draw().then(() => this.playing || set(this.#part("text"), this.text));
  }

  // frame is called for each frame during playback. While the screen is behind, time stops.
  #frame(now) {
    if (!this.playing) return;
    const passed = Math.min(Math.max(now - this.#last, 0), frame);
    this.#last = now;
    if (!this.#replay.busy) {
      this.position = Math.min(this.position + passed / 1000 * Number(this.#part("speed").value), this.duration);
      this.#draw();
    }
    if (this.position >= this.duration) return this.pause();
    requestAnimationFrame((next) => this.#frame(next));
  }

  #draw() {
    this.#showTime();
    return this.#replay.show(this.#eventAfter(this.position));
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
    const at = this.#eventAfter(this.position);
    const since = at ? this.position - this.#times[at - 1] : 0;
    this.#times = this.#cast.times(this.#idle);
    const gap = this.#times[at] - (at ? this.#times[at - 1] : 0);
    this.position = (at ? this.#times[at - 1] : 0) + Math.min(since, gap);
    this.#showMarks();
    this.#showTime();
  }

  // --- keys ---

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.seek(this.position - leap),
      ArrowRight: () => this.seek(this.position + leap),
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
    const button = this.#part("play");
    button.ariaLabel = this.playing ? "Pause" : "Play";
    button.title = `${button.ariaLabel} (space)`;
    this.#element.toggleAttribute("data-playing", this.playing);
  }

  #showTime() {
    const seek = this.#part("seek");
    const [now, whole] = [clock(this.position), clock(this.duration)];
    seek.max = this.duration;
    seek.value = this.position;
    seek.style.setProperty("--part", this.duration ? this.position / this.duration : 1);
    if (seek.ariaValueText !== `${now} of ${whole}`) seek.ariaValueText = `${now} of ${whole}`;
    set(this.#part("now"), now);
    set(this.#part("whole"), whole);
  }

  #showMarks() {
    const list = this.#part("marks");
    const ticks = this.#part("ticks");
    list.replaceChildren();
    ticks.replaceChildren();
    this.#cast.events.forEach(({ code, data }, i) => {
      if (code !== "m" || list.children.length >= 200) return;
      const at = this.#times[i];
      const mark = list.appendChild(stamp("mark-template"));
      find("button", mark).textContent = `${clock(at)} ${data.slice(0, 100) || "mark"}`;
      find("button", mark).addEventListener("click", () => this.seek(at));
      const tick = ticks.appendChild(document.createElement("i"));
      tick.style.left = `${this.duration ? at / this.duration * 100 : 0}%`;
    });
    list.hidden = !list.children.length;
  }
}

const element = find(".player");
const status = find("[data-status]", element);

async function start() {
  const answer = await call(element.dataset.src);
  if (!answer.ok) {
    const { error, hint } = await answer.json().catch(() => ({}));
    throw new Error([error ?? `status ${answer.status}`, hint].filter(Boolean).join("; "));
  }
  const whole = Number(answer.headers.get("Content-Length"));
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  const cast = await loadCast(answer, (bytes) => set(status, `Loading ${mib(bytes)}${whole ? ` of ${mib(whole)}` : ""} MiB…`));
  set(status, cast.shortened ? "The page plays the first 64 MiB. Download the recording for the rest." : "");
  (window.convoy ??= {}).player = new Player(element, cast);
}

start().catch((err) => {
  element.toggleAttribute("data-trouble", true);
  set(status, `This recording cannot be played: ${err.message}.`);
});
