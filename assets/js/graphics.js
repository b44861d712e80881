// The graphics card: only one terminal draws with it, because a page has few contexts.

import { readableGlyphs } from "./contrast.js";

let holder = null; // the Graphics that uses the card

/** Graphics is a terminal's access to the card. onChange() is called when it draws with it or no longer does. */
export class Graphics {
  #term;
  #onChange;
  #addon = null;

  constructor(term, onChange) {
    this.#term = term;
    this.#onChange = onChange;
  }

  /** take gives this terminal the card, if there is one; the others draw without. */
  async take() {
    if (holder === this || !hasGraphics()) return;
    holder?.drop();
    holder = this;
    const { WebglAddon } = await import("../vendor/xterm-addon-webgl/addon-webgl.mjs");
    if (holder !== this) return;
    try {
      this.#addon = new WebglAddon();
      this.#addon.onContextLoss(() => this.drop());
      this.#term.loadAddon(this.#addon);
      readableGlyphs(this.#addon);
      this.#onChange();
    } catch {
      this.drop();
    }
  }

  /** drop makes this terminal draw without the card. */
  drop() {
    if (holder === this) holder = null;
    if (!this.#addon) return;
    this.#addon.dispose();
    this.#addon = null;
    this.#onChange();
  }
}

// hasGraphics reports whether there is a graphics card. Software rendering is slower than the DOM.
function hasGraphics() {
  if (hasGraphics.known === undefined) {
    const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
    const name = gl?.getParameter(gl.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
    hasGraphics.known = !!gl && !/swiftshader|llvmpipe|software/i.test(name);
    gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return hasGraphics.known;
}
