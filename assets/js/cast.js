// Recordings in asciicast format, version 2 or 3, from any node: untrusted, so everything is checked here.

const maxBytes = 64 << 20; // of a file that a page plays; larger ones can be downloaded
const maxLine = 4 << 20; // characters
const maxSeconds = 1e9;
const maxSide = 1000;
const snapshot = "\x18\x1bc"; // starts the redraw of a whole screen

// loadCast reads a response as it arrives. onProgress receives the bytes so far.
export async function loadCast(answer, onProgress) {
  const cast = new Cast();
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    text += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) cast.add(line);
    if (text.length > maxLine) throw new Error("a line is too long");
    bytes += value?.length ?? 0;
    onProgress(bytes);
    if (done) break;
    if (bytes >= maxBytes) {
      cast.shortened = true;
      reader.cancel();
      break;
    }
  }
  if (!cast.shortened && text) cast.addLast(text);
  if (!cast.version) throw new Error("the file is empty");
  return cast;
}

/** Cast is a recording: its events, and the seconds between them. */
class Cast {
  version = 0;
  size = { cols: 80, rows: 24 };
  events = []; // {gap, code, data}; data of code r is {cols, rows}
  seconds = 0; // to the last event
  end = null; // {seconds, reason, cut} of the last line
  shortened = false; // the file is longer

  add(line) {
    if (line.startsWith("#")) return this.#comment(line);
    if (!line.trim()) return;
    if (!this.version) return this.#header(JSON.parse(line));
    const [time, code, data] = JSON.parse(line);
    if (!Number.isFinite(time) || typeof code !== "string" || typeof data !== "string") throw new Error("a line is not an event");
    const gap = Math.min(Math.max(this.version === 2 ? time - this.seconds : time, 0), maxSeconds);
    this.seconds += gap;
    this.events.push({ gap, code, data: code === "r" ? sizeOf(data) : data });
  }

  // addLast parses an unterminated last line, which may be incomplete.
  addLast(line) {
    try {
      this.add(line);
    } catch {
      this.end ??= { cut: true };
    }
  }

  #header({ version, term, width, height }) {
    if (version !== 2 && version !== 3) throw new Error(`version ${Number(version) || "?"} is not supported`);
    const size = sizeOf(version === 2 ? `${width}x${height}` : `${term?.cols}x${term?.rows}`);
    if (!size) throw new Error("the terminal size is missing");
    this.version = version;
    this.size = size;
  }

  #comment(line) {
    const [, json] = line.match(/^# end (\{.*\})$/) ?? [];
    if (!json) return;
    const { seconds, reason, cut } = JSON.parse(json);
    if (seconds >= 0 && seconds < maxSeconds) this.end = { seconds, reason: String(reason ?? ""), cut: !!cut };
  }

  // times returns the second of each event, and of the end, with pauses limited to idle.
  times(idle) {
    const times = new Float64Array(this.events.length + 1);
    let at = 0;
    this.events.forEach(({ gap }, i) => { times[i] = at += Math.min(gap, idle); });
    times[this.events.length] = at + Math.min(Math.max((this.end?.seconds ?? 0) - this.seconds, 0), idle);
    return times;
  }

  // keyFrame is the last event up to number i, and the size there, from which the screen can be drawn: one that draws
  // the whole screen, or the first.
  keyFrame(i) {
    let start = i;
    while (start > 0 && !this.draws(start)) start--;
    let { size } = this;
    for (const { code, data } of this.events.slice(0, start)) if (code === "r" && data) size = data;
    return { start, size };
  }

  draws(i) {
    const event = this.events[i];
    return event?.code === "o" && event.data.startsWith(snapshot);
  }
}

// sizeOf parses COLSxROWS; null for impossible sizes.
function sizeOf(text) {
  const [, cols, rows] = text.match(/^(\d{1,4})x(\d{1,4})$/) ?? [];
  if (!(cols >= 1 && cols <= maxSide && rows >= 1 && rows <= maxSide)) return null;
  return { cols: Number(cols), rows: Number(rows) };
}

// clock formats a time as players do: 0:05, 12:34, 1:00:00.
export function clock(seconds) {
  const s = Math.floor(seconds);
  const two = (n) => String(n).padStart(2, "0");
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}
