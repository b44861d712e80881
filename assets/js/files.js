// Files to and from a shell's working directory: dropped on its terminal, chosen, or asked for by path.
//
//   const files = new Files({ element, screen, term, node, shell, viewer, tools, note });
//
// note(level, text, hint) shows a notice. element shows transfers, one per line.

import { ask } from "./dialog.js";
import { find, remember, remembered, sentence, stamp } from "./dom.js";
import { call, download, withKey } from "./key.js";
import { shellPath } from "./stream.js";
import { bytesText } from "./terminal.js";

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
  #element;
  #term;
  #path;
  #viewer;
  #note;
  #queue = []; // waiting transfers, each with its line
  #busy = false;
  #closed = new AbortController();

  constructor({ element, screen, term, node, shell, viewer, tools, note }) {
    this.#element = element;
    this.#term = term;
    this.#path = shellPath(node, shell);
    this.#viewer = viewer;
    this.#note = note;
    if (!limit) return;
    screen.addEventListener("dragenter", (event) => this.#hover(screen, withFiles(event)));
    screen.addEventListener("dragleave", (event) => this.#hover(screen, screen.contains(event.relatedTarget)));
    screen.addEventListener("drop", (event) => this.#drop(screen, event));
    tools.add("Upload files", () => this.#choose());
    tools.add("Download a file…", () => this.#askPath());
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
    const input = Object.assign(document.createElement("input"), { type: "file", multiple: true });
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
    let input;
    const address = (what) => `${this.#path}/${what}?${new URLSearchParams({ path: input.value, viewer: this.#viewer })}`;
    const answer = await ask("download-template", (dialog) => {
      input = find("input", dialog);
      input.value = remembered(lastPath) ?? "";
      this.#showDirectory(find("p", dialog));
      dialog.addEventListener("submit", async (event) => {
        event.preventDefault();
        const trouble = await refusal(address("files/info"));
        if (!trouble) return dialog.close("get");
        find("[role=alert]", dialog).textContent = trouble;
        input.ariaInvalid = "true";
        input.focus();
      });
    });
    this.#term.focus();
    if (!answer) return;
    remember(lastPath, input.value);
    download(address("files"), input.value.split("/").at(-1));
  }

  // showDirectory says from where paths lead, if that is known.
  async #showDirectory(element) {
    const answer = await call(this.#path).catch(() => null);
    const { dir } = answer?.ok ? await answer.json() : {};
    if (dir) element.textContent = `A path from /, or from ${dir}.`;
  }

  // line shows a transfer, with a button to cancel it.
  #line(name) {
    const stop = new AbortController();
    this.#closed.signal.addEventListener("abort", () => stop.abort(), { signal: stop.signal });
    const row = this.#element.appendChild(stamp("file-template"));
    const [title, bar, cancel] = [find(".shell-file-name", row), find("progress", row), find("button", row)];
    title.textContent = title.title = bar.ariaLabel = name;
    cancel.title = cancel.ariaLabel = `Cancel ${name}`;
    cancel.addEventListener("click", () => {
      stop.abort();
      row.remove();
      this.#term.focus();
    });
    return {
      signal: stop.signal,
      remove: () => row.remove(),
      show: (have, all) => {
        bar.max = all || 1;
        bar.value = have;
        find(".shell-file-amount", row).textContent = `${bytesText(have)} of ${bytesText(all)}`;
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
      else reject(new Error(reason(request.response, request.status)));
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
    const answer = await call(address);
    return answer.ok ? "" : reason(await answer.json().catch(() => null), answer.status);
  } catch {
    return "Convoy cannot be reached.";
  }
}

// reason explains a refusal. Without Convoy's JSON, it is that of a proxy.
function reason(answer, status) {
  if (answer?.error) return [answer.error, answer.hint].filter(Boolean).map(sentence).join(" ");
  if (status !== 413) return `A proxy answered with status ${status}.`;
  return "It is larger than the proxy in front of Convoy allows. Set its limit to that of -max-upload: nginx calls it client_max_body_size.";
}
