// Traffic and latency by location and region: over time, and in sum.
import { drawChart } from "../../../page/assets/charts.js";
import { asTable, h, longTable, s, table as tableOf } from "../../../page/assets/elements.js";
import { regionClass } from "../../../page/assets/palette.js";
import { words } from "../../../page/assets/words.js";

const MOST_CHARTS = 12; // locations with charts of their own; the tables have all

const rate = (values, bin_s) => values.map((value) => (value === null ? null : value / bin_s));

const chart = (label, make) => {
  const svg = s("svg", { role: "img", "aria-label": `${label}: see the table below` });
  const box = h("div", { class: "chart" }, svg);
  let scale = null;
  return {
    element: h("figure", null, h("figcaption", null, label), box),
    draw: () => {
      if (box.clientWidth) scale = drawChart(svg, { width: Math.round(box.clientWidth), tall: 132, ...make() });
    },
    point: (t) => {
      const line = svg.querySelector(".playhead-line");
      if (!line || !scale) return;
      line.setAttribute("x1", scale.at(t));
      line.setAttribute("x2", scale.at(t));
    },
  };
};

const chartsOf = (model, place, index) => {
  const { bin_s, pairs, refused } = model.series;
  const own = pairs.filter((pair) => pair.location === place.name);
  const base = { bin_s, duration: Math.max(model.run.duration_s, 0.1) };
  return [
    chart("answers a second, and refusals", () => ({ ...base, bars: [
      ...own.map((pair) => ({ kind: regionClass(index.get(pair.region) ?? 0), values: rate(pair.answers, bin_s) })),
      { kind: "refused", values: rate(refused[place.name] ?? [], bin_s) }] })),
    chart("latency in ms: median, and 99th percentile (dashed)", () => ({ ...base, lines: own.flatMap((pair) => [
      { kind: `${regionClass(index.get(pair.region) ?? 0)} p50`, values: pair.p50, name: pair.region },
      { kind: `${regionClass(index.get(pair.region) ?? 0)} p99`, values: pair.p99 }]) })),
  ];
};

const binTable = ({ bin_s, bins, pairs, refused }) => {
  const rows = [];
  for (let k = 0; k < bins; k += 1) {
    for (const pair of pairs) {
      if (pair.answers[k]) rows.push([words.seconds(k * bin_s), pair.location, pair.region, pair.answers[k], words.ms(pair.p50[k]), words.ms(pair.p99[k]), ""]);
    }
    for (const [location, counts] of Object.entries(refused)) {
      if (counts[k]) rows.push([words.seconds(k * bin_s), location, "", "", "", "", counts[k]]);
    }
  }
  return longTable("Traffic and latency over time", ["from", "location", "region", "#answers", "#p50 ms", "#p99 ms", "#refused"], rows);
};

const sums = (totals) => tableOf("Traffic and latency by location and region",
  ["location", "region", "#answers", "#refused", "#p50 ms", "#p90 ms", "#p99 ms", "#connections", "#to gateway", "#to clients"],
  totals.map((row) => [row.location || "elsewhere", row.region || "none", words.integer(row.answers), words.integer(row.refused), ...row.latency_ms.map(words.ms),
    words.integer(row.connections), words.bytes(row.bytes_in), words.bytes(row.bytes_out)]));

const traffic = (model, time) => {
  const index = new Map(model.regions.map((region, k) => [region.code, k]));
  const busy = model.locations.filter((place) => place.clients).slice(0, MOST_CHARTS);
  const charts = busy.map((place) => ({ place, own: chartsOf(model, place, index) }));
  const signs = h("p", { class: "legend" },
    model.regions.map((region, k) => h("span", null, h("i", { class: `chip ${regionClass(k)}`, "aria-hidden": "true" }), region.code)),
    h("span", null, h("i", { class: "chip refused", "aria-hidden": "true" }), "refused"));
  const section = h("section", null,
    h("h2", null, "Traffic and latency"),
    signs,
    charts.map(({ place, own }) => h("div", { class: "pair" }, h("h3", null, place.name), own.map((one) => one.element))),
    sums(model.totals),
    asTable("Traffic over time as a table", () => binTable(model.series)));
  time.subscribe((t) => charts.forEach(({ own }) => own.forEach((one) => one.point(t))));
  return { section, resize: () => charts.forEach(({ own }) => own.forEach((one) => { one.draw(); one.point(time.now); })) };
};

export { traffic };
