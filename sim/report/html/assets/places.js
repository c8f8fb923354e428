// The map with what it says as tables: where clients were, what regions were and were thought to be.
import { h, icon, s, table } from "../../../page/assets/elements.js";
import { drawScene, mapGround, mapLegend } from "../../../page/assets/map.js";
import { regionClass } from "../../../page/assets/palette.js";
import { words } from "../../../page/assets/words.js";
import { instants } from "./instants.js";

/** The scene of an instant, as map.js draws it. */
const sceneAt = (model, t) => {
  const index = new Map(model.regions.map((region, k) => [region.code, k]));
  const faults = instants.faultsAt(model.faults, t);
  const counts = instants.whereabouts(model.locations, model.lanes.clients, model.lanes.cell_s, t);
  const regions = model.regions.map((region, k) => {
    const machines = model.machines.filter((machine) => machine.region === region.code);
    const truths = machines.map((machine) => instants.valueAt(machine.truth, t)).filter((state) => state !== "destroyed");
    const beliefs = machines.map((machine) => instants.valueAt(machine.belief, t)).filter(Boolean);
    return {
      ...region, index: k, truths, beliefs,
      up: !truths.length || truths.includes("started"),
      believed: !beliefs.length ? "unsure" : beliefs.includes("passing") ? "up" : beliefs.includes("critical") ? "down" : "unsure",
      fault: faults.some((fault) => fault.region === region.code),
    };
  });
  const locations = model.locations.map((place, k) => {
    const band = model.dns.find((one) => one.location === place.name);
    const led = band ? instants.valueAt(band.changes, t) : null;
    return { ...place, ...counts[k], total: place.clients, dns: index.get(led) ?? null };
  });
  const names = new Map(model.locations.map((place, k) => [place.name, k]));
  const links = model.links.flatMap((link) => {
    const now = instants.valueAt(link.changes, t);
    return now && names.has(link.from) && index.has(link.to)
      ? [{ location: names.get(link.from), region: index.get(link.to), state: now[0] }] : [];
  });
  return { regions, locations, links, faults };
};

const tally = (values) => {
  const counts = new Map();
  for (const value of values) counts.set(value ?? "not made", (counts.get(value ?? "not made") ?? 0) + 1);
  return [...counts].map(([value, n]) => (n === 1 && counts.size === 1 ? value : `${n} ${value}`)).join(", ") || "–";
};

const regionRows = (scene) => scene.regions.map(({ code, index, city, truths, beliefs }) => [
  h("span", null, h("i", { class: `chip ${regionClass(index)}`, "aria-hidden": "true" }), code, h("small", null, ` ${city}`)),
  tally(truths), tally(beliefs),
  scene.locations.reduce((sum, place) => sum + (place.served.get(index) ?? 0), 0)]);

const unserved = ({ cut, unanswered, connecting }) => {
  const told = [cut && `${cut} cut off`, unanswered && `${unanswered} unanswered`, connecting && `${connecting} connecting`].filter(Boolean).join(", ");
  return cut + unanswered ? h("span", { class: "bad" }, icon("✕", "failed"), told) : told || "none";
};

const locationRows = (scene) => scene.locations.map((place) => [
  h("span", null, place.name, h("small", null, ` ${words.count(place.total, "client")}`)),
  scene.regions.filter(({ index }) => place.served.get(index)).map(({ code, index }) => `${place.served.get(index)} → ${code}`).join(", ") || "none",
  unserved(place),
  place.dns === null ? "nothing" : scene.regions[place.dns].code]);

const places = (model, land, time) => {
  const svg = s("svg", { class: "map", role: "img", "aria-label": "Map: the tables beside it say the same" });
  const box = h("div", { class: "map-box" }, svg);
  const tables = h("div", { class: "beside" });
  let ground = null;
  const coordinates = [...model.regions, ...model.locations].map((place) => place.at);
  const draw = (t) => {
    const scene = sceneAt(model, t);
    if (ground) drawScene(svg, ground, scene);
    tables.replaceChildren(
      h("h3", null, `At ${words.seconds(t)}`),
      scene.faults.length
        ? h("p", { class: "lasting" }, icon("⚡"), scene.faults.map((fault) => `${fault.fault} ${fault.target}`.trim()).join(", "))
        : h("p", { class: "lasting quiet" }, "no fault lasts"),
      table("Clients by location at this instant", ["clients of", "connected", "not served", "DNS leads to"], locationRows(scene)),
      table("Regions at this instant", ["region", "machines are", "are believed", "#clients"], regionRows(scene)));
  };
  const resize = () => {
    const width = Math.round(box.clientWidth);
    if (!width) return;
    ground = mapGround(svg, land, coordinates, width, Math.round(Math.max(260, Math.min(460, width * 0.56))));
    draw(time.now);
  };
  const section = h("section", { class: "places" },
    h("h2", null, "Where clients are served"),
    h("div", { class: "map-and-tables" },
      h("figure", null, box, h("figcaption", { class: "legend" }, mapLegend())),
      tables));
  time.subscribe(draw);
  return { section, resize };
};

export { places, sceneAt };
