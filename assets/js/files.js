// Files to and from a shell's working directory: dropped on its terminal, chosen, or asked for by path.
//
//   const files = new Files({ element, term, node, shell, viewer, tools, note });
//
// note(level, text, hint) shows a notice. files.element shows transfers, one per line.

import { remember, remembered, sentence } from "./dom.js";
import { call, download, withKey } from "./key.js";
import { shellPath } from "./stream.js";
import { bytesText, dialog, make } from "./terminal.js";
import { icon } from "./tools.js";

const lastPath = "convoy.download"; // storage key of the last requested path
const limit = Number(document.body.dataset.maxUpload ?? Infinity); // bytes; 0: there are no files

// A file dropped next to a terminal must not replace the page.
const withFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!withFiles(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = event.target.closest?.(".shell-screen") && limit ? "copy" : "none";
});
document.addEventListener("drop", (event) => {
  if (withFiles(event)) event.preventDefault();
});

/** Files transfers the files of one shell. */
export class Files {
  element = make("div", "shell-files");
  #term;
  #path;
  #viewer;
  #note;
  #queue = []; // waiting transfers, each with its line
  #busy = false;
  #closed = new AbortController();

  constructor({ screen, term, node, shell, viewer, tools, note }) {
    this.#term = term;
    this.#path = shellPath(node, shell);
    this.#viewer = viewer;
    this.#note = note;
    this.element.role = "status";
    if (!limit) return;
    screen.addEventListener("dragenter", (event) => this.#hover(screen, withFiles(event)));
    screen.addEventListener("dragleave", (event) => this.#hover(screen, screen.contains(event.relatedTarget)));
    screen.addEventListener("drop", (event) => this.#drop(screen, event));
    tools.add("upload", "Upload files", () => this.#choose(), { more: true });
    tools.add("file-down", "Download a file…", () => this.#askPath(), { more: true });
  }

  /** close cancels all transfers. */
  close() {
    this.#queue = [];
    this.#closed.abort();
  }

  #hover(screen, over) { screen.classList.toggle("shell-over", Boolean(over)); }

  #drop(screen, event) {
    this.#hover(screen, false);
    if (!withFiles(event)) return;
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory);
    if (folders.length) this.#note("warn", "Folders cannot be uploaded.", "Pack them into one file first, with tar or zip.");
    this.#upload(items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile()));
  }

  #choose() {
    const input = make("input");
    input.type = "file";
    input.multiple = true;
    input.addEventListener("change", () => this.#upload([...input.files]));
    input.click();
  }

  // upload sends files, one after the other.
  #upload(files) {
    for (const file of files) {
      if (file.size > limit) this.#note("error", `${file.name} is larger than ${bytesText(limit)}.`, "Convoy's -max-upload sets the limit.");
      else this.#queue.push({ file, line: this.#line(file.name) });
    }
    this.#term.focus();
    this.#next();
  }

  async #next() {
    if (this.#busy) return;
    this.#busy = true;
    for (let one; (one = this.#queue.shift());) {
      if (!one.line.signal.aborted) await this.#send(one.file, one.line);
      one.line.remove();
    }
    this.#busy = false;
  }

  async #send(file, line) {
    try {
      const { name, dir, bytes } = await post(`${this.#path}/files?${new URLSearchParams({ name: file.name, viewer: this.#viewer })}`, file, line);
      const other = name === file.name ? "" : `${file.name} already exists.`;
      this.#note("info", `${name} is in ${dir}, ${bytesText(bytes)}.`, other);
    } catch (error) {
      if (!line.signal.aborted) this.#note("error", `${file.name} was not uploaded.`, error.message);
    }
  }

  // askPath asks for a path, and has the browser save that file.
  async #askPath() {
    const label = Object.assign(make("label"), { textContent: "Path" });
    const input = make("input");
    Object.assign(input, { required: true, maxLength: 4095, placeholder: "~/notes.txt", value: remembered(lastPath) ?? "", autocapitalize: "off", autocomplete: "off", spellcheck: false, autofocus: true });
    label.append(input);
    const message = Object.assign(make("p", "dialog-trouble"), { role: "alert" });
    const from = Object.assign(make("p"), { textContent: "A path from /, or from the shell's working directory." });
    call(this.#path, { headers: { Accept: "application/json" } }).then((answer) => answer.json()).then(({ dir }) => {
      if (dir) from.textContent = `A path from /, or from ${dir}.`;
    }).catch(() => {});
    const address = (to) => `${this.#path}/files${to}?${new URLSearchParams({ path: input.value, viewer: this.#viewer })}`;
    const result = await dialog({
      title: "Download a file",
      body: [from, label, message],
      answers: [["cancel", "Cancel"], ["get", "Download"]],
      before: async (value) => {
        if (value !== "get") return true;
        message.textContent = await refusal(address("/info"));
        input.ariaInvalid = String(message.textContent !== "");
        input.focus();
        return message.textContent === "";
      },
    });
    this.#term.focus();
    if (result !== "get") return;
    remember(lastPath, input.value);
    download(address(""), input.value.split("/").at(-1));
  }

  // line shows a transfer, with a button to cancel it.
  #line(name) {
    const stop = new AbortController();
    this.#closed.signal.addEventListener("abort", () => stop.abort(), { signal: stop.signal });
    const row = make("div", "shell-file");
    const title = Object.assign(make("span", "shell-file-name"), { textContent: name, title: name });
    const bar = make("progress");
    bar.ariaLabel = name;
    bar.value = 0;
    const amount = Object.assign(make("span", "shell-file-amount"), { textContent: "waits" });
    const cancel = make("button", "button quiet square small");
    cancel.type = "button";
    cancel.title = cancel.ariaLabel = `Cancel ${name}`;
    cancel.append(icon("x"));
    cancel.addEventListener("click", () => {
      stop.abort();
      row.remove();
      this.#term.focus();
    });
    row.append(icon("upload"), title, amount, cancel, bar);
    this.element.append(row);
    return {
      signal: stop.signal,
      remove: () => row.remove(),
      show: (have, all) => {
        bar.max = all || 1;
        bar.value = have;
        amount.textContent = `${bytesText(have)} of ${bytesText(all)}`;
      },
    };
  }
}

// post sends a file, reports progress, and resolves to the response's JSON. fetch cannot report upload progress.
function post(path, file, line) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    const headers = withKey({ Accept: "application/json", "Content-Type": "application/octet-stream" });
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded }) => line.show(Math.min(loaded, file.size), file.size));
    request.addEventListener("load", () => {
      if (request.status === 201 && request.response) resolve(request.response);
      else reject(new Error(reason(request.response ?? {}, request.status)));
    });
    request.addEventListener("error", () => reject(new Error("The connection was interrupted. Try again.")));
    line.signal.addEventListener("abort", () => {
      request.abort();
      reject(new Error("Cancelled."));
    });
    line.show(0, file.size);
    request.send(file);
  });
}

// refusal is why there is nothing at an address; "" if there is.
async function refusal(address) {
  try {
    const answer = await call(address, { headers: { Accept: "application/json" } });
    return answer.ok ? "" : reason(await answer.json().catch(() => ({})), answer.status);
  } catch {
    return "Convoy cannot be reached.";
  }
}

// reason explains a refusal.
function reason({ error = "", hint = "" }, status) {
  return [error, hint].filter(Boolean).map(sentence).join(" ") || `The request failed with status ${status}.`;
}
