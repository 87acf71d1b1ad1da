// What all pictures have in common: the frame with its title and description, the key, axes and ticks, and the colours for
// light and dark. SVG by hand, as in ../plot.mjs; what differs between peers is told by dashes and words as well as by
// colour. Whatever comes from a record is escaped here.

export const WIDTH = 640;
const LETTER = 6.2;
const SERIES = 6;

const LIGHT = { ink: "#1f2328", soft: "#57606a", faint: "#d0d7de", paper: "#ffffff" };
const DARK = { ink: "#e6edf3", soft: "#9da7b3", faint: "#373e47", paper: "#0d1117" };
const COLOURS = ["#0b6bcb", "#bc4c00", "#1a7f37", "#8250df", "#a40e26", "#57606a"];
const COLOURS_DARK = ["#6cb6ff", "#f0883e", "#57ab5a", "#b083f0", "#f47067", "#9da7b3"];
const DASHES = ["none", "7 3", "2 3", "10 3 2 3", "4 2", "1 2"];

const tones = ({ ink, soft, faint, paper }, colours) =>
  [
    `.chart text{fill:${ink}}.chart .soft{fill:${soft}}.chart .paper{fill:${paper}}`,
    `.chart .grid{stroke:${faint}}.chart .axis{stroke:${soft}}`,
    ...colours.map((colour, i) => `.chart .s${i}{color:${colour}}`),
  ].join("");

/** The style of all pictures: once in a page, or in each picture that stands alone. */
export const CHART_STYLE = [
  ".chart{font:12px Helvetica,Arial,sans-serif}.chart .head{font-size:14px;font-weight:bold}",
  tones(LIGHT, COLOURS),
  ".chart .line{fill:none;stroke:currentColor;stroke-width:2.5;stroke-linejoin:round}",
  ".chart .thin{stroke-width:1;opacity:.45;stroke-dasharray:none}.chart .fill{fill:currentColor}",
  ".chart .span{stroke:currentColor;stroke-width:1.5;fill:none}.chart .bar{fill:currentColor;opacity:.8}",
  ".chart .whisker{fill:none;stroke-width:1.5}",
  ".chart .guide{stroke-dasharray:2 4;fill:none}",
  ...DASHES.slice(1).map((dash, i) => `.chart .s${i + 1} .bold{stroke-dasharray:${dash}}`),
  `@media (prefers-color-scheme:dark){${tones(DARK, COLOURS_DARK)}}`,
].join("\n");

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text for HTML and SVG, also in attributes; what XML forbids is shown as a replacement character. */
export function escaped(text) {
  return (
    String(text)
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: just these are meant
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, "\ufffd")
      .replace(/[&<>"']/g, (letter) => ESCAPES[letter])
  );
}

export const shortened = (text, most) => {
  const letters = [...String(text)];
  return letters.length <= most ? String(text) : `${letters.slice(0, most - 1).join("")}…`;
};

/** A name for ids: two texts that differ only in signs get the same. */
export const slug = (text) =>
  String(text)
    .toLowerCase()
    .replace(/%/g, "pc")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "") || "x";

export const seriesClass = (index) => `s${index % SERIES}`;

export const coordinate = (value) => Math.round(value * 10) / 10;

/**
 * @param {{ id: string, title: string, about: string, height: number, width?: number }} of `about`: what is to be seen,
 *   for those who do not see it
 * @param {string[]} parts
 */
export function frame({ id, title, about, height, width = WIDTH }, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-labelledby="${id}-t ${id}-d" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title id="${id}-t">${escaped(title)}</title>`,
    `<desc id="${id}-d">${escaped(about)}</desc>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="head" x="12" y="22">${escaped(shortened(title, Math.floor((width - 24) / 7.4)))}</text>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** A picture that stands alone, for a page that is not ours: with its style inside. */
export const standalone = (svg) => svg.replace("</title>", () => `</title>\n<style>${CHART_STYLE}</style>`);

/** The key: a stroke and a name for each series, in as many lines as it takes. */
export function drawKey(names, y, width = WIDTH) {
  const parts = [];
  let [x, line] = [12, 0];
  names.forEach((name, i) => {
    const text = shortened(name, 44);
    const needs = 34 + text.length * LETTER + 16;
    if (x > 12 && x + needs > width) [x, line] = [12, line + 1];
    const at = y + line * 18;
    parts.push(
      `<g class="${seriesClass(i)}"><path class="line bold" d="M${coordinate(x)} ${at - 4}h26"/></g>` +
        `<text x="${coordinate(x + 32)}" y="${at}">${escaped(text)}</text>`,
    );
    x += needs;
  });
  return { parts, height: names.length === 0 ? 0 : (line + 1) * 18 };
}

/** From a value to a place, and which values to mark: no closer than `leastStep`, which is 1 where things are counted. */
export function linearScale(most, from, to, marks = 5, leastStep = 0) {
  const step = Math.max(leastStep, niceStep(most / marks));
  const top = Math.max(step, Math.ceil(most / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
  return { at: (value) => from + (Math.min(Math.max(value, 0), top) / top) * (to - from), ticks, top };
}

const MOST_DECADES = 6;
const MOST_MARKS = 9;

/** The same on a logarithmic axis: 1, 2 and 5 of each decade if there is room. */
export function logScale(least, most, from, to) {
  const top = edge(Math.max(most, 0.01), Math.ceil);
  const bottom = Math.min(edge(Math.max(least, top / 10 ** MOST_DECADES), Math.floor), top / 10);
  const ticks = [];
  for (let power = Math.floor(Math.log10(bottom)) - 1; power <= Math.log10(top) + 1; power++) {
    for (const digit of [1, 2, 5]) ticks.push(Number((digit * 10 ** power).toPrecision(6)));
  }
  const within = ticks.filter((tick) => tick >= bottom * 0.999 && tick <= top * 1.001);
  const marked = within.length > MOST_MARKS ? within.filter((tick) => Number.isInteger(lg(tick))) : within;
  const at = (value) =>
    from + (Math.log(Math.min(Math.max(value, bottom), top) / bottom) / Math.log(top / bottom)) * (to - from);
  return { at, ticks: marked, bottom, top };
}

const lg = (value) => Number(Math.log10(value).toFixed(9));

/** The next 1, 2 or 5 of a decade, up or down. */
function edge(value, rounding) {
  const power = 10 ** Math.floor(lg(value));
  const digits = rounding === Math.ceil ? [1, 2, 5, 10] : [5, 2, 1];
  const isBeyond = (digit) =>
    rounding === Math.ceil ? digit * power >= value * 0.9999 : digit * power <= value * 1.0001;
  return (digits.find(isBeyond) ?? 1) * power;
}

function niceStep(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(lg(value));
  return ([1, 2, 5, 10].find((digit) => digit * power >= value * 0.9999) ?? 10) * power;
}

export function timeLabel(ms) {
  if (ms === 0) return "0";
  return ms < 1_000
    ? `${Number(ms.toPrecision(3))} ms`
    : `${Number((ms / 1_000).toPrecision(3)).toLocaleString("en")} s`;
}

export const countLabel = (value) => Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 3 });

/** Lines and words at the ticks of both axes, within a box. */
export function drawAxes(box, x, y) {
  const parts = [];
  for (const tick of y.scale.ticks) {
    const at = coordinate(y.scale.at(tick));
    parts.push(`<path class="grid" d="M${box.left} ${at}H${box.right}"/>`);
    parts.push(`<text x="${box.left - 6}" y="${at + 4}" text-anchor="end">${escaped(y.label(tick))}</text>`);
  }
  for (const tick of roomy(x)) {
    const at = coordinate(x.scale.at(tick));
    parts.push(`<path class="axis" d="M${at} ${box.bottom}v4"/>`);
    parts.push(`<text x="${at}" y="${box.bottom + 18}" text-anchor="middle">${escaped(x.label(tick))}</text>`);
  }
  parts.push(`<path class="axis" d="M${box.left} ${box.bottom}H${box.right}"/>`);
  const middle = coordinate((box.left + box.right) / 2);
  parts.push(`<text class="soft" x="${middle}" y="${box.bottom + 36}" text-anchor="middle">${escaped(x.name)}</text>`);
  parts.push(`<text class="soft" x="${box.left}" y="${box.top - 12}">${escaped(y.name)}</text>`);
  return parts;
}

/** The ticks whose words do not touch, from the left. */
function roomy({ scale, label }) {
  let free = Number.NEGATIVE_INFINITY;
  return scale.ticks.filter((tick) => {
    const half = (label(tick).length * LETTER) / 2;
    const at = scale.at(tick);
    if (at - half < free) return false;
    free = at + half + 6;
    return true;
  });
}
