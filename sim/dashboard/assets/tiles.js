// The figures that matter, in a row.
import { h } from "../../page/assets/elements.js";
import { words } from "../../page/assets/words.js";
import { say } from "./table.js";

const tile = (label) => {
  const figure = h("strong", null, "–"), note = h("small");
  const element = h("div", { class: "tile" }, figure, h("span", null, label), note);
  return { element, show: (value, more, bad = false) => {
    say(figure, value);
    say(note, more ?? "");
    element.classList.toggle("alarming", bad);
  } };
};

const rate = (value) => (value >= 100 ? words.integer(Math.round(value)) : value.toFixed(1));
const sum = (rows, of) => rows.reduce((total, row) => total + of(row), 0);

/** The slowest of the places that have latencies: [p50, p99] of the one with the worst median. */
const slowest = (portrait, frame) => {
  const places = frame.locations.map(({ ms }, k) => ({ ms, name: portrait.locations[k].name })).filter(({ ms }) => ms[0] !== null);
  return places.sort((a, b) => b.ms[0] - a.ms[0])[0];
};

const tiles = (portrait) => {
  const served = tile("clients served"), cut = tile("cut off now"), answers = tile("answers a second");
  const latency = tile("median latency, worst place"), outages = tile("outages so far"), cost = tile("a month, machines only");
  const all = [served, cut, answers, latency, outages, cost];
  const update = (frame) => {
    const { load, locations } = frame;
    const total = sum(locations, (place) => place.total);
    const out = sum(locations, (place) => place.cut + place.unanswered);
    const connecting = sum(locations, (place) => place.connecting);
    const ended = sum(locations, (place) => place.outages);
    const worst = Math.max(0, ...locations.map((place) => place.worst_s));
    const slow = slowest(portrait, frame);
    const standing = sum(frame.regions, (region) => region.connections);
    served.show(load.runs ? `${words.integer(total - out - connecting)} of ${words.integer(total)}` : "no load", words.count(standing, "connection"));
    cut.show(words.integer(out), connecting ? `${words.count(connecting, "client")} connecting` : "", out > 0);
    answers.show(rate(sum(locations, (place) => place.rate)), portrait.speed === 1 ? "" : "simulated second");
    latency.show(slow ? `${Math.round(slow.ms[0])} ms` : "–", slow ? `${slow.name}; p99 ${Math.round(slow.ms[2])} ms` : "");
    outages.show(words.integer(ended), ended ? `worst ${words.seconds(worst)}` : "", false);
    cost.show(`$${sum(frame.regions, ({ machines }) => machines.length && sum(machines, (m) => m.usd)).toFixed(2)}`, words.count(sum(frame.regions, ({ machines }) => machines.length), "machine"));
  };
  return { element: h("section", { class: "tiles", "aria-label": "Figures" }, all.map(({ element }) => element)), update };
};

export { rate, tiles };
