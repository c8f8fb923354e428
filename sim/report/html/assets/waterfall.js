// The waterfall of an outage: each part of it under the last one, on one scale. Data in, SVG out.
//
// parts = [{name, seconds}] in the order in which they follow each other.
import { s } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const ROW_PX = 22;
const SHOWN_S = 0.05; // shorter parts have no row: they would say "0.0 s"

const drawWaterfall = (svg, parts, width, unit) => {
  const whole = parts.reduce((sum, part) => sum + part.seconds, 0);
  const label = 106, figure = 84;
  const room = Math.max(40, width - label - figure);
  const shown = parts.filter((part) => part.seconds >= SHOWN_S);
  const tall = (shown.length + 1) * ROW_PX + 6;
  svg.setAttribute("viewBox", `0 0 ${width} ${tall}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", tall);
  let from = 0;
  const rows = [];
  parts.forEach((part) => {
    const start = from;
    from += part.seconds;
    if (part.seconds < SHOWN_S) return;
    const y = rows.length * ROW_PX;
    const left = label + (room * start) / (whole || 1), wide = Math.max(1.5, (room * part.seconds) / (whole || 1));
    rows.push(s("g", { class: `part part-${part.name}` },
      s("text", { class: "part-name", x: label - 10, y: y + 15, "text-anchor": "end" }, part.label),
      s("rect", { class: "part-bar", x: left, y: y + 4, width: wide, height: ROW_PX - 8, rx: 1.5 }),
      rows.length < shown.length - 1
        ? s("line", { class: "part-step", x1: left + wide, x2: left + wide, y1: y + ROW_PX - 4, y2: y + ROW_PX + 4 }) : null,
      s("text", { class: "part-figure", x: width, y: y + 15, "text-anchor": "end" }, `${words.integer(+part.seconds.toFixed(1))} ${unit}`)));
  });
  const y = rows.length * ROW_PX + 3;
  rows.push(s("g", { class: "part whole" },
    s("line", { class: "part-rule", x1: label, x2: width, y1: y - 1, y2: y - 1 }),
    s("text", { class: "part-name", x: label - 10, y: y + 15, "text-anchor": "end" }, "in all"),
    s("rect", { class: "part-bar", x: label, y: y + 8, width: room, height: 4, rx: 1.5 }),
    s("text", { class: "part-figure", x: width, y: y + 15, "text-anchor": "end" }, `${words.integer(+whole.toFixed(1))} ${unit}`)));
  svg.replaceChildren(...rows);
};

export { drawWaterfall };
