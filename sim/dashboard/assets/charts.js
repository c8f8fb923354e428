// Traffic and latency of the last two minutes or so, place by place.
import { drawChart } from "../../page/assets/charts.js";
import { h, s } from "../../page/assets/elements.js";
import { regionClass } from "../../page/assets/palette.js";
import { words } from "../../page/assets/words.js";

const LEAST = 30; // bins shown, also when less has happened
const MOST_PLACES = 8; // with charts of their own; the tables have all

/** The last bins of every pair of places, by bin: `take` adds what is new in a frame. */
const history = () => {
  const pairs = new Map();
  let first = 0, last = 0, kept = 0, shown = LEAST;
  const take = ({ bin, news }) => {
    if (bin < last) pairs.clear();
    [last, kept] = [bin, news.kept];
    first = Math.max(0, last - kept);
    for (const [location, region, bins] of news.bins) {
      const key = JSON.stringify([location, region]);
      if (!pairs.has(key)) pairs.set(key, { location, region, bins: new Map() });
      for (const [index, ...values] of bins) pairs.get(key).bins.set(index, values);
    }
    for (const { bins } of pairs.values()) {
      for (const index of bins.keys()) if (index < first) bins.delete(index);
    }
  };
  /** How many bins are worth a picture: from the first that anything happened in. */
  const span = () => {
    const begun = Math.min(last, ...[...pairs.values()].flatMap(({ bins }) => [...bins.keys()]));
    shown = Math.min(kept, Math.max(LEAST, last - begun));
    return shown;
  };
  /** One value of each bin of a pair that is over, the oldest first; `none` where nothing was. */
  const values = (pair, k, none) => Array.from({ length: shown }, (_, at) => pair.bins.get(last - shown + at)?.[k] ?? none);
  return { take, span, values, pairs: () => [...pairs.values()] };
};

const [ANSWERS, REFUSED, P50, P99] = [0, 1, 2, 3];

const chart = (label, make) => {
  const svg = s("svg", { role: "img", "aria-label": `${label}: the tables above say what it is now` });
  const box = h("div", { class: "chart" }, svg);
  return {
    element: h("figure", null, h("figcaption", null, label), box),
    draw: () => box.clientWidth && drawChart(svg, { width: Math.round(box.clientWidth), tall: 132, ...make() }),
  };
};

const liveCharts = (portrait) => {
  const past = history();
  const index = new Map(portrait.regions.map(({ code }, k) => [code, k]));
  let bin_s = 1, shown = 1;
  const base = () => ({ bin_s, duration: shown * bin_s, label: (t) => (t >= shown * bin_s - 1e-6 ? "now" : `${words.tick(shown * bin_s - t)} ago`) });
  const kind = (region) => regionClass(index.get(region) ?? 0);
  const all = portrait.locations.map(({ name }) => {
    const own = () => past.pairs().filter((pair) => pair.location === name);
    const served = () => own().filter(({ region }) => index.has(region));
    const refused = () => own().map((pair) => past.values(pair, REFUSED, 0)).reduce((sum, values) => values.map((n, k) => n + (sum[k] ?? 0)), []);
    const rate = (values) => values.map((n) => n / bin_s);
    return { busy: () => own().length > 0, charts: [
      chart(`${name}: answers a second, refusals`, () => ({ ...base(), bars: [
        ...served().map((pair) => ({ kind: kind(pair.region), values: rate(past.values(pair, ANSWERS, 0)) })),
        { kind: "refused", values: rate(refused()) }] })),
      chart(`${name}: ms, median and p99 (dashed)`, () => ({ ...base(), lines: served().flatMap((pair) => [
        { kind: `${kind(pair.region)} p50`, values: past.values(pair, P50, null), name: pair.region },
        { kind: `${kind(pair.region)} p99`, values: past.values(pair, P99, null) }]) })),
    ] };
  });
  const pairs = all.map(({ charts }) => h("div", { class: "pair" }, charts.map((one) => one.element)));
  const quiet = h("p", { class: "note" }, "Nobody has asked for anything yet.");
  const draw = () => {
    let drawn = 0;
    all.forEach(({ busy, charts }, k) => {
      pairs[k].hidden = !busy() || (drawn += 1) > MOST_PLACES;
      if (!pairs[k].hidden) charts.forEach((one) => one.draw());
    });
    quiet.hidden = shown > 0;
  };
  const update = (frame) => {
    past.take(frame);
    [bin_s, shown] = [frame.bin_s, past.span()];
    draw();
  };
  const element = h("section", { class: "live-charts" }, h("h2", null, "Traffic and latency"),
    h("p", { class: "legend" }, portrait.regions.map(({ code }, k) => h("span", null, h("i", { class: `chip ${regionClass(k)}`, "aria-hidden": "true" }), code)),
      h("span", null, h("i", { class: "chip refused", "aria-hidden": "true" }), "refused")),
    quiet, pairs);
  return { element, update, resize: draw };
};

export { liveCharts };
