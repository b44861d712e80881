// <relative-time datetime="…" format="ago">: a time as its reader says it. Without scripts it shows its content, the
// time in UTC. It draws in a shadow tree, which a morph of the page leaves alone. It runs before the first paint.
//
// Formats: ago (3 min ago), for (3 min 20 s, from then to now), left (2 h 5 min left), clock (20:15:04),
// date (12 Mar 2027, 20:15), day (12 Mar 2027).
(() => {
  const shown = new Set();
  const units = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];
  const distant = 30 * 86_400; // s: then the day says more

  // span is a number of seconds in its largest units.
  function span(seconds, count) {
    const first = units.findIndex(([, size], i) => seconds >= size || i === units.length - 1);
    let rest = Math.max(0, Math.floor(seconds)) || 0;
    return units.slice(first, first + count).map(([unit, size]) => {
      const n = Math.floor(rest / size);
      rest %= size;
      return `${n} ${unit}`;
    }).join(" ");
  }

  // left is a number of seconds, of which only the last are counted down.
  function left(seconds) {
    return seconds < 60 ? span(seconds, 1) : span(Math.ceil(seconds / 60) * 60, 2).replace(/ 0 \w+$/, "");
  }

  // Each is made once: a formatter takes 100 kB outside of the scripts' heap, and a page has hundreds of times.
  const [clock, day, date, exact] = [
    { timeStyle: "medium", hour12: false }, { dateStyle: "medium" }, { dateStyle: "medium", timeStyle: "short" },
    { dateStyle: "full", timeStyle: "medium" },
  ].map(options => new Intl.DateTimeFormat([], options).format);
  const formats = {
    ago: (at, past) => (past < distant ? `${span(past, 1)} ago` : day(at)),
    for: (_, past) => span(past, 2),
    left: (_, past) => (past < 0 ? `${left(-past)} left` : "ended"),
    clock,
    date,
    day,
  };

  const ticking = ["ago", "for", "left"];

  class RelativeTime extends HTMLElement {
    static observedAttributes = ["datetime", "format"];
    static skew = 0; // ms that the server's clock is ahead of ours
    #text = this.attachShadow({ mode: "open" }).appendChild(document.createElement("span"));

    connectedCallback() {
      shown.add(this);
      this.show();
    }

    disconnectedCallback() { shown.delete(this); }

    attributeChangedCallback(name) {
      this.show();
      if (name === "datetime" && this.#at) this.#text.title = exact(this.#at);
    }

    get ticks() { return ticking.includes(this.getAttribute("format")); }

    // at is the time, nothing if it is none.
    get #at() {
      const at = new Date(this.getAttribute("datetime"));
      return Number.isNaN(at.valueOf()) ? null : at;
    }

    show() {
      const at = this.#at;
      if (!at) return;
      const past = (Date.now() + RelativeTime.skew - at) / 1000;
      const text = (formats[this.getAttribute("format")] ?? formats.date)(at, past);
      if (this.#text.textContent !== text) this.#text.textContent = text;
    }
  }

  customElements.define("relative-time", RelativeTime);
  setInterval(() => {
    for (const time of shown) if (time.ticks) time.show();
  }, 1000);
})();
