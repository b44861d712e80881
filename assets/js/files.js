// Files to and from a shell's working directory: dropped on its terminal, chosen, or asked for by path.

import { ask } from "./dialog.js";
import { find, remember, remembered, sentence, stamp } from "./dom.js";
import { call, download, withKey } from "./key.js";
import { shellPath } from "./stream.js";
import { bytesText } from "./terminal.js";

const lastPath = "convoy.download"; // storage key of the last requested path
/** limit is that of a file, in bytes; 0: there are no files. */
export const limit = Number(document.body.dataset.maxUpload ?? Infinity);

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

/**
 * newFiles transfers the files of one shell. element shows transfers, one per line; note(level, text, hint) shows a
 * notice.
 */
export function newFiles({ element, screen, term, node, shell, viewer, tools, note }) {
  let queue = []; // waiting transfers, each with its line
  let busy = false;
  const closed = new AbortController();
  const path = shellPath(node, shell);

  screen.addEventListener("dragenter", (event) => hover(withFiles(event)));
  screen.addEventListener("dragleave", (event) => hover(screen.contains(event.relatedTarget)));
  screen.addEventListener("drop", drop);
  tools.add("Upload files", choose);
  tools.add("Download a file…", askPath);

  /** close cancels all transfers. */
  function close() {
    queue = [];
    closed.abort();
  }

  const hover = (over) => screen.classList.toggle("shell-over", Boolean(over));

  function drop(event) {
    hover(false);
    if (!withFiles(event)) return;
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory);
    if (folders.length) note("warn", "Folders cannot be uploaded.", "Pack them into one file first, with tar or zip.");
    upload(items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile()));
  }

  function choose() {
    const input = Object.assign(document.createElement("input"), { type: "file", multiple: true });
    input.addEventListener("change", () => upload([...input.files]));
    input.click();
  }

  // upload sends files, one after the other.
  function upload(files) {
    for (const file of files) {
      if (file.size > limit) note("error", `${file.name} is larger than ${bytesText(limit)}.`, "Convoy's -max-upload sets the limit.");
      else queue.push({ file, line: lineOf(file.name) });
    }
    term.focus();
    next();
  }

  async function next() {
    if (busy) return;
    busy = true;
    for (let one; (one = queue.shift());) {
      if (!one.line.signal.aborted) await send(one.file, one.line);
      one.line.remove();
    }
    busy = false;
  }

  async function send(file, line) {
    try {
      const { name, dir, bytes } = await post(`${path}/files?${new URLSearchParams({ name: file.name, viewer })}`, file, line);
      const other = name === file.name ? "" : `${file.name} already exists.`;
      note("info", `${name} is in ${dir}, ${bytesText(bytes)}.`, other);
    } catch (error) {
      if (!line.signal.aborted) note("error", `${file.name} was not uploaded.`, error.message);
    }
  }

  // askPath asks for a path, and has the browser save that file.
  async function askPath() {
    let input;
    const address = (what) => `${path}/${what}?${new URLSearchParams({ path: input.value, viewer })}`;
    const answer = await ask("download-template", (dialog) => {
      input = find("input", dialog);
      input.value = remembered(lastPath) ?? "";
      showDirectory(find("p", dialog));
      dialog.addEventListener("submit", async (event) => {
        event.preventDefault();
        const trouble = await refusal(address("files/info"));
        if (!trouble) return dialog.close("get");
        find("[role=alert]", dialog).textContent = trouble;
        input.ariaInvalid = "true";
        input.focus();
      });
    });
    term.focus();
    if (!answer) return;
    remember(lastPath, input.value);
    download(address("files"), input.value.split("/").at(-1));
  }

  // showDirectory says from where paths lead, if that is known.
  async function showDirectory(place) {
    const answer = await call(path).catch(() => null);
    const { dir } = answer?.ok ? await answer.json() : {};
    if (dir) place.textContent = `A path from /, or from ${dir}.`;
  }

  // lineOf shows a transfer, with a button to cancel it.
  function lineOf(name) {
    const stop = new AbortController();
    closed.signal.addEventListener("abort", () => stop.abort(), { signal: stop.signal });
    const row = element.appendChild(stamp("file-template"));
    const [title, bar, cancel] = [find(".shell-file-name", row), find("progress", row), find("button", row)];
    title.textContent = title.title = bar.ariaLabel = name;
    cancel.title = cancel.ariaLabel = `Cancel ${name}`;
    cancel.addEventListener("click", () => {
      stop.abort();
      row.remove();
      term.focus();
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

  return { close };
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
