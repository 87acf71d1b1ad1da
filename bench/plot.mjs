// A sweep as a picture: one panel for each figure, the values of the constant from left to right, the default marked.
// SVG by hand: a few lines, points and words need no library.

const PANEL = { width: 260, height: 170, left: 56, right: 14, top: 34, bottom: 34 };
const COLUMNS = 3;
const HEAD = 34;
const INK = "#24292f";
const LINE = "#0b6bcb";
const FAINT = "#d0d7de";
const MARK = "#fff3c4";

const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/**
 * @param title what is swept
 * @param values its values, as words
 * @param standard the index of the default; -1 if it is none of them
 * @param panels `{ title, unit, points }`, one point for each value; not finite: it did not come to that
 */
export function plot(title, values, standard, panels) {
  const columns = Math.min(COLUMNS, panels.length);
  const width = columns * PANEL.width + 16;
  const height = HEAD + Math.ceil(panels.length / columns) * PANEL.height + 8;
  const drawn = panels.map((panel, i) => {
    const x = 8 + (i % columns) * PANEL.width;
    const y = HEAD + Math.floor(i / columns) * PANEL.height;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, values, standard)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="11" fill="${INK}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="16" y="22" font-size="15" font-weight="bold">${escaped(title)}</text>`,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

function drawPanel({ title, unit, points }, values, standard) {
  const { width, height, left, right, top, bottom } = PANEL;
  const finite = points.filter(Number.isFinite);
  const ceiling = niceCeiling(Math.max(0, ...finite));
  const step = (width - left - right) / values.length;
  const x = (i) => round(left + (i + 0.5) * step);
  const y = (value) => round(height - bottom - (value / ceiling) * (height - top - bottom));
  const parts = [];
  if (standard >= 0) {
    const x0 = round(left + standard * step);
    parts.push(
      `<rect x="${x0}" y="${top - 6}" width="${round(step)}" height="${height - top - bottom + 6}" fill="${MARK}"/>`,
    );
  }
  for (const share of [0, 0.5, 1]) {
    const at = y(share * ceiling);
    parts.push(`<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="${FAINT}"/>`);
    parts.push(`<text x="${left - 6}" y="${at + 4}" text-anchor="end">${label(share * ceiling)}</text>`);
  }
  parts.push(`<text x="${left - 40}" y="14" font-weight="bold">${escaped(title)}</text>`);
  parts.push(`<text x="${left - 40}" y="${top - 8}" fill="#57606a">${escaped(unit)}</text>`);
  values.forEach((value, i) => {
    parts.push(`<text x="${x(i)}" y="${height - bottom + 16}" text-anchor="middle">${escaped(value)}</text>`);
  });
  parts.push(...drawLine(points, x, y));
  return parts.join("");
}

function drawLine(points, x, y) {
  const parts = [];
  let line = [];
  const flush = () => {
    if (line.length > 1)
      parts.push(`<polyline points="${line.join(" ")}" fill="none" stroke="${LINE}" stroke-width="2"/>`);
    line = [];
  };
  points.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      flush();
      parts.push(`<text x="${x(i)}" y="${PANEL.top + 6}" text-anchor="middle" fill="#b42318">never</text>`);
      return;
    }
    line.push(`${x(i)},${y(value)}`);
    parts.push(`<circle cx="${x(i)}" cy="${y(value)}" r="3" fill="${LINE}"/>`);
  });
  flush();
  return parts;
}

const round = (value) => Math.round(value * 10) / 10;

function label(value) {
  if (value >= 10_000) return `${round(value / 1_000)}k`;
  return value >= 100 ? Math.round(value).toLocaleString("en") : String(Math.round(value * 100) / 100);
}

/** 1, 2 or 5 times a power of ten, not below. */
function niceCeiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}
