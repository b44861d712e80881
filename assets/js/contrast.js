// Text that can be read. xterm.js 6.0.0 raises the contrast of text, but dims it after that, and its DOM renderer
// compares default text in inverse with a colour that it does not draw. There is no API for either: these are parts of
// the vendored version.

const dimRatio = 3; // of dim text and its background
const rgb = 3 << 24; // how xterm.js marks a colour of 24 bits

/** block is a class of characters that xterm.js draws in the program's colour, whatever the contrast. */
export const block = "[\\u2500-\\u259f\\ue0a4-\\ue0d6]";
const isBlock = new RegExp(block);

/** readableRows corrects text that term, and all others, draw without a graphics card. */
export function readableRows(term) {
  const rows = Object.getPrototypeOf(term._core._renderService._renderer.value._rowFactory);
  const apply = rows._applyMinimumContrast;
  if (apply.corrected) return;
  rows._applyMinimumContrast = function (element, back, fore, cell, backOver, foreOver) {
    const { foreground, background } = this._themeService.colors;
    const text = cell.isInverse() && fore === foreground ? background : fore;
    if (!cell.isDim() || isBlock.test(cell.getChars())) {
      return apply.call(this, element, back, text, cell, backOver, foreOver);
    }
    const color = dimmed((backOver ?? back).rgba >> 8, (foreOver ?? text).rgba >> 8);
    this._addStyle(element, `color:#${color.toString(16).padStart(6, "0")}`);
    return true;
  };
  rows._applyMinimumContrast.corrected = true;
}

/** readableGlyphs corrects dim text that addon draws with a graphics card. */
export function readableGlyphs(addon) {
  const glyphs = Object.getPrototypeOf(addon._renderer._charAtlas);
  const choose = glyphs._getForegroundColor;
  if (choose.corrected) return;
  glyphs._getForegroundColor = function (...cell) {
    const [, backMode, back, , foreMode, fore, inverse, dim, bold, block] = cell;
    if (!dim || block) return choose.apply(this, cell);
    const ground = this._resolveBackgroundRgba(backMode, back, inverse);
    const color = dimmed(ground >> 8, this._resolveForegroundRgba(foreMode, fore, inverse, bold) >> 8);
    return choose.call(this, 0, backMode, back, 0, rgb, color, inverse, false, bold, true);
  };
  glyphs._getForegroundColor.corrected = true;
}

const known = new Map(); // results of dim(), which takes longer than drawing
const most = 4096;

// dimmed is the colour between fore and back, darker or lighter as needed to be read. Colours are 0xrrggbb.
function dimmed(back, fore) {
  const both = (back & 0xffffff) * 2 ** 24 + (fore & 0xffffff);
  if (!known.has(both)) {
    if (known.size === most) known.clear();
    known.set(both, dim(channels(back), channels(fore)));
  }
  return known.get(both);
}

function dim(back, fore) {
  const pole = luminance(back) > 0.18 ? 0 : 255;
  let color = mix(back, fore, 0.5);
  while (ratio(back, color) < dimRatio) color = mix(color, [pole, pole, pole], 0.1);
  const [r, g, b] = color.map(Math.round);
  return (r << 16) | (g << 8) | b;
}

const channels = (color) => [(color >> 16) & 0xff, (color >> 8) & 0xff, color & 0xff];
const mix = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);

// luminance and ratio are those of WCAG 2.
function luminance(color) {
  const [r, g, b] = color.map((value) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(a, b) {
  const [dark, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (bright + 0.05) / (dark + 0.05);
}
