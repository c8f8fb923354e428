// The page of a run: reads the model, puts the sections together, and draws them again when the
// window, the colours or the paper ask for it.
import { h } from "../../../page/assets/elements.js";
import { palette, strokeDefinitions } from "../../../page/assets/palette.js";
import { words } from "../../../page/assets/words.js";
import { deploys } from "./deploys.js";
import { disconnects } from "./disconnects.js";
import { instants } from "./instants.js";
import { ledger } from "./ledger.js";
import { mishaps } from "./mishaps.js";
import { outages as outagesPart } from "./outages.js";
import { overview, story } from "./overview.js";
import { places as placesPart } from "./places.js";
import { followAddress, linked, makeTime, timeBar } from "./time.js";
import { timeline } from "./timeline.js";
import { traffic as trafficPart } from "./traffic.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);

/** Lanes as instants.js asks for them, with their marks. */
const unpack = (model) => {
  for (const lane of model.lanes.clients) Object.assign(lane, instants.unpacked(lane.runs), { marks: [] });
  for (const [client, cell, forgot] of model.lanes.marks) model.lanes.clients[client].marks.push([cell, forgot]);
  return model;
};

/** How many clients were not served, at so many equal steps through the run. */
const unservedOver = (model, steps) => Array.from({ length: steps + 1 }, (_, k) => {
  const t = Math.min((model.run.duration_s * k) / steps, model.run.duration_s - 1e-3);
  return instants.whereabouts(model.locations, model.lanes.clients, model.lanes.cell_s, Math.max(0, t))
    .reduce((sum, place) => sum + place.cut + place.unanswered, 0);
});

const describe = (model) => (t) => {
  const places = instants.whereabouts(model.locations, model.lanes.clients, model.lanes.cell_s, Math.min(t, model.run.duration_s - 1e-3));
  const sum = (of) => places.reduce((total, place) => total + of(place), 0);
  const served = sum((place) => [...place.served.values()].reduce((a, b) => a + b, 0));
  const faults = instants.faultsAt(model.faults, t).map((fault) => `${fault.fault} ${fault.target}`.trim());
  const rest = [[sum((place) => place.cut), "cut off"], [sum((place) => place.unanswered), "connected but unanswered"], [sum((place) => place.connecting), "connecting"]].filter(([n]) => n);
  return [`${words.count(served, "client")} served`, ...rest.map(([n, what]) => `${n} ${what}`), ...(faults.length ? [faults.join(", ")] : [])].join(" · ");
};

/** The instant to open with: the middle of the costliest outage, where there is one. */
const telling = (model) => {
  const worst = model.outages.groups[0];
  return worst ? (worst.from + worst.until) / 2 : 0;
};

const model = unpack(read("model"));
const time = makeTime(model.run.duration_s, linked() ?? telling(model));
const parts = [placesPart(model, read("land"), time), timeline(model, time), outagesPart(model), trafficPart(model, time)];
const [places, lanes, outages, traffic] = parts;
const events = [...new Set(model.story.lines.map(([t]) => t))].sort((a, b) => a - b);
document.getElementById("page").append(
  strokeDefinitions(),
  overview(model),
  timeBar(time, {
    events, unserved: unservedOver(model, 200), clients: model.lanes.clients.length, describe: describe(model) }),
  h("main", null, places.section, lanes.section, outages.section, mishaps(model), disconnects(model), deploys(model), ledger(model), traffic.section, story(model.story)),
  h("footer", null,
    model.notes.length ? h("ul", { class: "notes" }, model.notes.map((text) => h("li", null, text))) : null,
    h("p", null, `Times are simulated seconds from the start of the ${model.run.live ? "world" : "load"}; latencies are simulated milliseconds. Everything here is computed from the run's journal. Land outline: Natural Earth, by way of world-atlas.`)));
followAddress(time);

const redraw = () => {
  const colours = palette();
  for (const part of parts) part.resize(colours);
};
let width = 0;
new ResizeObserver(([entry]) => {
  if (Math.round(entry.contentRect.width) === width) return;
  width = Math.round(entry.contentRect.width);
  redraw();
}).observe(document.getElementById("page"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
// Paper is light, whatever the screen: canvases must be drawn again for it.
const onPaper = (light) => () => {
  document.documentElement.classList.toggle("paper", light);
  redraw();
};
addEventListener("beforeprint", onPaper(true));
addEventListener("afterprint", onPaper(false));
