// The graphics card: only one terminal draws with it, because a page has few contexts.

import { readableGlyphs } from "./contrast.js";

let holder = null; // drop of the terminal that uses the card

/** newGraphics is a terminal's access to the card. onChange() is called when it draws with it or no longer does. */
export function newGraphics(term, onChange) {
  let addon = null;

  /** take gives this terminal the card, if there is one; the others draw without. */
  async function take() {
    if (holder === drop || !hasGraphics()) return;
    holder?.();
    holder = drop;
    const { WebglAddon } = await import("../vendor/xterm-addon-webgl/addon-webgl.mjs");
    if (holder !== drop) return;
    try {
      addon = new WebglAddon();
      addon.onContextLoss(drop);
      term.loadAddon(addon);
      readableGlyphs(addon);
      onChange();
    } catch {
      drop();
    }
  }

  /** drop makes this terminal draw without the card. */
  function drop() {
    if (holder === drop) holder = null;
    if (!addon) return;
    addon.dispose();
    addon = null;
    onChange();
  }

  return { take, drop };
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
