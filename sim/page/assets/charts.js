// Small charts over time: stacked bars and lines. Data in, SVG out.
//
// chart = {width, tall, duration, bin_s, bars: [{kind, values}], lines: [{kind, values, name}], label};
// values has one number (or null) for each bin; with `label`, an instant's words, the axis counts
// back from the chart's end.
import { s } from "./elements.js";
import { strokesOf } from "./palette.js";
import { words } from "./words.js";

const LEFT = 44, TOP = 8, BOTTOM = 18, RIGHT = 8;

const drawChart = (svg, chart) => {
  const { width, tall, duration, bin_s } = chart;
  const bars = chart.bars ?? [], lines = chart.lines ?? [], label = chart.label ?? words.tick;
  const count = Math.max(0, ...[...bars, ...lines].map((one) => one.values.length));
  const stacked = Array.from({ length: count }, (_, k) => bars.reduce((sum, bar) => sum + (bar.values[k] ?? 0), 0));
  const top = words.ceiling(Math.max(0, ...stacked, ...lines.flatMap((line) => line.values.map((v) => v ?? 0))));
  const x = (t) => LEFT + ((width - LEFT - RIGHT) * t) / duration;
  const y = (value) => tall - BOTTOM - ((tall - TOP - BOTTOM) * value) / top;
  const steps = words.steps(duration, Math.max(2, Math.floor((width - LEFT) / (chart.label ? 110 : 70))));
  const drawn = lines.map((line) => drawLine(line, { x, y, bin_s, duration }));
  svg.setAttribute("viewBox", `0 0 ${width} ${tall}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", tall);
  svg.replaceChildren(
    ...[0, top / 2, top].map((value) => s("g", { class: "grid" },
      s("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      s("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, words.integer(+value.toFixed(1))))),
    ...(chart.label ? steps.map((t) => duration - t) : steps).map((t) =>
      s("text", { class: "axis-text", x: x(t), y: tall - 4, "text-anchor": t === 0 ? "start" : x(t) > width - 34 ? "end" : "middle" }, label(t))),
    ...stackedBars(bars, count, { x, y, bin_s, duration }),
    ...drawn.map(({ path }) => path),
    ...drawn.flatMap(({ name }) => name),
    s("line", { class: "playhead-line", y1: TOP, y2: tall - BOTTOM, x1: -9, x2: -9 }),
  );
  return { at: x };
};

const stackedBars = (bars, count, { x, y, bin_s, duration }) => {
  const floor = new Array(count).fill(0);
  return bars.map((bar) => {
    let path = "";
    bar.values.forEach((value, k) => {
      if (!value) return;
      const left = x(k * bin_s), right = x(Math.min(duration, (k + 1) * bin_s));
      const gap = right - left > 4 ? 1 : 0;
      path += `M${left.toFixed(1)} ${y(floor[k]).toFixed(1)}V${y(floor[k] + value).toFixed(1)}H${(right - gap).toFixed(1)}V${y(floor[k]).toFixed(1)}Z`;
      floor[k] += value;
    });
    const strokes = strokesOf(bar.kind);
    return s("g", null,
      s("path", { class: `bars ${bar.kind}`, d: path }),
      strokes ? s("path", { d: path, fill: strokes }) : null);
  });
};

const drawLine = (line, { x, y, bin_s, duration }) => {
  let path = "", drawing = false, last = null;
  line.values.forEach((value, k) => {
    if (value === null) {
      drawing = false;
      return;
    }
    const middle = x(Math.min(duration, (k + 0.5) * bin_s)).toFixed(1);
    // A bin alone between gaps is a short stroke: a point would not be seen.
    path += drawing ? `L${middle} ${y(value).toFixed(1)}` : `M${(middle - 1).toFixed(1)} ${y(value).toFixed(1)}h2`;
    drawing = true;
    last = [middle, y(value)];
  });
  return {
    path: s("path", { class: `line ${line.kind}`, d: path }),
    name: line.name && last ? [s("text", { class: "line-name", x: last[0], y: last[1] - 6, "text-anchor": "end" }, line.name)] : [],
  };
};

export { drawChart };
