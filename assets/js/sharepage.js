// The page of a share link: one shell in the whole window. All its requests go below its own address, which contains
// the link's token.

import { find, sentence } from "./dom.js";
import { call } from "./key.js";
import { follow, showLink } from "./link.js";
import { notice } from "./notices.js";
import { askName, myName } from "./presence.js";
import { ShellPane } from "./shell.js";
import { Stream, newViewer } from "./stream.js";

const { node, shell, title, right } = document.body.dataset;
const base = location.pathname.replace(/\/+$/, "");
const viewer = newViewer();
let ended = false;

const stream = new Stream({ viewer, base, name: myName(), watch: right !== "type", want: "none", onState });
const pane = new ShellPane({ element: find("#pane"), node, shell, viewer, stream, title, base });

// onState shows the state of the stream. If it is refused, the reason is requested: the link has ended.
async function onState(state, ms) {
  if (ended) return;
  if (state !== "loggedout") return showLink(state, ms);
  try {
    const answer = await call(base);
    if (answer.ok) return stream.reconnect();
    const { error } = await answer.json();
    end(answer.status === 404 ? "this link is not valid" : error);
  } catch {
    stream.reconnect();
  }
}

// end explains why nothing more will come. The last screen stays.
function end(why) {
  if (ended) return;
  ended = true;
  stream.close();
  showLink("open");
  const box = find("#share-over");
  find("h2", box).textContent = sentence(why);
  find("p", box).textContent = "You see the last screen. To continue, ask the person who sent you the link for a new one.";
  box.hidden = false;
  document.body.dataset.link = "over";
  find(".share-time relative-time").replaceWith("ended");
}

follow(stream);
stream.on("gone", ({ error }) => end(error));

// --- user actions ---

find("#share-name").addEventListener("click", () => askName(stream));
document.addEventListener("shell-leave", () => find("#share-name").focus());
document.addEventListener("shell-trouble", ({ detail }) => notice("warn", sentence(detail.text)));
document.addEventListener("convoy:theme", () => pane.refreshTheme());

if (right === "type" && !matchMedia("(pointer: coarse)").matches) pane.focus();
