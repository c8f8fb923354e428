// Regions and locations: the map, and what it says as tables.
import { h, icon, s } from "../../page/assets/elements.js";
import { drawScene, mapGround, mapLegend } from "../../page/assets/map.js";
import { regionClass } from "../../page/assets/palette.js";
import { words } from "../../page/assets/words.js";
import { sceneOf } from "./scene.js";
import { liveTable } from "./table.js";
import { rate as ratePerSecond } from "./tiles.js";

const chip = (code, index, more) => ({ key: `${code}${index}${more ?? ""}`, make: () =>
  h("span", null, h("i", { class: `chip ${regionClass(index)}`, "aria-hidden": "true" }), code, more ? h("small", null, ` ${more}`) : null) });
const bad = (text) => ({ key: `bad ${text}`, make: () => h("span", { class: "bad" }, icon("✕", "failed"), text) });
const share = (value) => (value === null ? "–" : `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`);
const errors = (value) => (value ? bad(share(value)) : share(value));
const latency = (ms) => (ms[0] === null ? "–" : ms.map((value) => Math.round(value)).join(" / "));
const tally = (values) => {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, n]) => (n === 1 && counts.size === 1 ? value : `${n} ${value}`)).join(", ") || "none";
};

const map = (portrait) => {
  const svg = s("svg", { class: "map", role: "img", "aria-label": "Map: the tables below say the same" });
  const box = h("div", { class: "map-box" }, svg);
  const at = [...portrait.regions, ...portrait.locations].map((place) => place.at);
  let ground = null, last = null;
  const update = (frame) => {
    last = frame;
    if (ground) drawScene(svg, ground, sceneOf(portrait, frame));
  };
  const resize = () => {
    const width = Math.round(box.clientWidth);
    if (!width) return;
    ground = mapGround(svg, portrait.land, at, width, Math.round(Math.max(270, Math.min(500, width * 0.6))));
    if (last) update(last);
  };
  return { element: h("figure", null, box, h("figcaption", { class: "legend" }, mapLegend())), update, resize };
};

const regionTable = (portrait) => {
  const table = liveTable("Regions", ["region", "machines are", "are believed", "#clients", "#share", "#answers/s", "#p50 / p90 / p99 ms", "#errors", "#connections", "#$ a month"]);
  const update = (frame) => {
    const all = frame.regions.reduce((sum, region) => sum + region.rate, 0);
    table.update(portrait.regions.map(({ code, city }, k) => {
      const { machines, rate, ms, connections, ...region } = frame.regions[k];
      const clients = frame.locations.reduce((sum, place) => sum + (place.served[code] ?? 0), 0);
      const truth = tally(machines.map(({ state }) => state)), belief = tally(machines.map(({ check }) => check));
      return { key: code, cells: [
        chip(code, k, city),
        machines.every(({ state }) => state === "started") ? truth : bad(truth),
        machines.every(({ check }) => check === "passing") ? belief : bad(belief),
        words.integer(clients), all ? share(rate / all) : "–", ratePerSecond(rate), latency(ms), errors(region.errors), words.integer(connections),
        machines.reduce((sum, { usd }) => sum + usd, 0).toFixed(2)] };
    }));
  };
  return { element: table.element, update };
};

const unserved = ({ cut, unanswered, connecting }) => {
  const said = [cut && `${cut} cut off`, unanswered && `${unanswered} unanswered`, connecting && `${connecting} connecting`].filter(Boolean).join(", ");
  return cut + unanswered ? bad(said) : said || "none";
};

const locationTable = (portrait) => {
  const table = liveTable("Locations", ["clients of", "are served by", "not served", "#share", "#answers/s", "#p50 / p90 / p99 ms", "#errors", "#connections", "#outages", "#worst"]);
  const update = (frame) => {
    const all = frame.locations.reduce((sum, place) => sum + place.rate, 0);
    table.update(portrait.locations.map(({ name }, k) => {
      const place = frame.locations[k];
      return { key: name, cells: [
        { key: `${name}${place.total}`, make: () => h("span", null, name, h("small", null, ` ${words.count(place.total, "client")}`)) },
        Object.entries(place.served).map(([code, n]) => `${n} → ${code}`).join(", ") || "nobody",
        unserved(place), all ? share(place.rate / all) : "–", ratePerSecond(place.rate), latency(place.ms), errors(place.errors), words.integer(place.connections),
        words.integer(place.outages), place.outages ? words.seconds(place.worst_s) : "–"] };
    }));
  };
  return { element: table.element, update };
};

const left = (first, last) => {
  if (last === 0) return "run out";
  if (last === null) return first === null ? "for good" : `from ${words.seconds(first)} on, some for good`;
  return first === last ? `${words.seconds(last)} left` : `${first.toFixed(1)} to ${words.seconds(last)} left`;
};

const dnsTable = (portrait) => {
  const table = liveTable("Answers from DNS", ["asked from", "DNS answers", "#TTL", "clients still hold", "nameserver"]);
  const update = (frame) => table.update(portrait.locations.map(({ name, nameserver }, k) => {
    const { dns, held } = frame.locations[k];
    return { key: name, cells: [
      name, dns.length ? `${dns[0]}${dns.length > 1 ? `, then ${dns.slice(1).join(", ")}` : ""}` : bad("nothing"), words.tick(portrait.ttl_s),
      held.map(([code, n, first, last]) => `${n} × ${code}, ${left(first, last)}`).join("; ") || "nothing", nameserver] };
  }));
  return { element: table.element, update };
};

const linkTable = () => {
  const table = liveTable("Links that are not as usual", ["from", "to", "state", "#round trip", "besides"]);
  const none = h("p", { class: "note" }, "Every link is as the topology has it.");
  const update = ({ links }) => {
    none.hidden = links.length > 0;
    table.element.hidden = !links.length;
    table.update(links.map(({ from, to, state, rtt_ms, ...rest }) => ({ key: `${from}:${to}`, cells: [
      from, to, state === "up" ? state : bad(state), `${words.ms(rtt_ms)} ms`, Object.entries(rest).map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`).join(", ")] })));
  };
  return { element: h("div", null, none, table.element), update };
};

export { dnsTable, linkTable, locationTable, map as liveMap, regionTable };
