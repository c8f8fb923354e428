// Bands of time above the lanes, one row each, and the axis. Data in, SVG out.
//
// rows = [{label, spans: [{from, until, kind, text, title}], ticks: [{at, text}]}], times in seconds;
// scale = {gutter, width, duration}.
import { s } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const ROW_PX = 20, GAP_PX = 4, CHARACTER_PX = 6.3;

/** A function from seconds to pixels. */
const scaleOf = ({ gutter, width, duration }) => (t) => gutter + ((width - gutter) * t) / duration;

const cut = (text, px) => {
  const fits = Math.floor(px / CHARACTER_PX);
  if (text.length <= fits) return text;
  return fits >= 4 ? `${text.slice(0, fits - 1)}…` : "";
};

const drawBands = (svg, rows, scale) => {
  const x = scaleOf(scale);
  const tall = rows.length * (ROW_PX + GAP_PX);
  svg.setAttribute("viewBox", `0 0 ${scale.width} ${tall}`);
  svg.setAttribute("height", tall);
  svg.setAttribute("width", scale.width);
  svg.replaceChildren(...rows.map((row, k) => drawRow(row, k * (ROW_PX + GAP_PX), x, scale)));
  return tall;
};

const drawRow = (row, top, x, scale) =>
  s("g", { class: "band", transform: `translate(0 ${top})` },
    s("title", null, row.label),
    s("text", { class: "band-label", x: 0, y: 14 }, cut(row.label, scale.gutter - 8)),
    s("line", { class: "band-floor", x1: scale.gutter, x2: scale.width, y1: ROW_PX + 1.5, y2: ROW_PX + 1.5 }),
    row.spans.map((span) => drawSpan(span, x)),
    (row.ticks ?? []).map((tick) => drawTick(tick, x, scale)));

const drawSpan = ({ from, until, kind, text, title }, x) => {
  const left = x(from), wide = Math.max(1.5, x(until) - left);
  return s("g", { class: `span ${kind}` },
    s("title", null, title ?? text),
    s("rect", { class: "span-ground", x: left, y: 0, width: wide, height: ROW_PX, rx: 2 }),
    s("rect", { class: "span-edge", x: left, y: 0, width: wide, height: 3 }),
    s("text", { x: left + 6, y: 14.5 }, cut(text, wide - 10)));
};

const drawTick = ({ at, text }, x, scale) => {
  const left = x(at);
  const room = scale.width - left - 12;
  const shown = cut(text, Math.min(room, 160));
  return s("g", { class: "tick" },
    s("title", null, text),
    s("path", { d: `M${left} 2V${ROW_PX}`, class: "tick-line" }),
    s("path", { d: `M${left} 3l7 4-7 4z`, class: "tick-flag" }),
    s("text", { x: left + 10, y: 14.5 }, shown));
};

/** The axis of seconds. */
const drawAxis = (svg, scale) => {
  const x = scaleOf(scale);
  svg.setAttribute("viewBox", `0 0 ${scale.width} 22`);
  svg.setAttribute("height", 22);
  svg.setAttribute("width", scale.width);
  const most = Math.max(3, Math.floor((scale.width - scale.gutter) / 70));
  svg.replaceChildren(...words.steps(scale.duration, most).map((t) => {
    const edge = x(t) > scale.width - 18 ? "end" : t === 0 ? "start" : "middle";
    return s("g", { class: "axis" },
      s("line", { x1: x(t), x2: x(t), y1: 16, y2: 22 }),
      s("text", { x: x(t), y: 12, "text-anchor": edge }, words.tick(t)));
  }));
};

/** Spans on as few rows as they fit without overlapping, in the order of their beginning. */
const packed = (spans) => {
  const rows = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const row = rows.find((one) => one.at(-1).until <= span.from);
    if (row) row.push(span);
    else rows.push([span]);
  }
  return rows;
};

export { drawAxis, drawBands, packed, scaleOf };
