// The theme: auto (the system's), light or dark. It runs before the first paint, so it is a plain script in the head,
// with the times.

import { remember, remembered } from "./dom.js";
import "./time.js";

(() => {
  const choices = ["auto", "light", "dark"];
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    const choice = remembered("convoy.theme");
    return choices.includes(choice) ? choice : "auto";
  }

  function apply(choice) {
    const theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    const changed = root.dataset.theme !== theme;
    root.dataset.theme = theme;
    root.dataset.themeChoice = choice;
    if (changed) document.dispatchEvent(new CustomEvent("convoy:theme", { detail: { theme } }));
  }

  function next() {
    const choice = choices[(choices.indexOf(stored()) + 1) % choices.length];
    remember("convoy.theme", choice);
    apply(choice);
  }

  apply(stored());
  system.addEventListener("change", () => apply(stored()));
  addEventListener("storage", (event) => {
    if (event.key === "convoy.theme") apply(stored());
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-action=theme]")) next();
  });
})();
