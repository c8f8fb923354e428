// The world at one instant: regions, locations, and who is connected where. Data in, SVG out.
//
// scene = {
//   regions:   [{code, at: [lat, lon], index, up, believed: "up" | "down" | "unsure", fault}],
//   locations: [{name, at, total, served: Map(region index -> clients), unanswered, cut, connecting,
//                dns: region index or null, traffic: Map(region index -> {rate, ms}), optional}],
//   links:     [{location, region, state}],   (indexes)
//   cut:       [[at, at]], optional: where nothing crosses between regions
// }
import { h, s } from "./elements.js";
import { labels as placing } from "./labels.js";
import { regionClass } from "./palette.js";
import { projection } from "./projection.js";

const LINE_PX = 14, CHARACTER_PX = 6.6;

const MANY_PLACES = 30, LEAST_UNIT = 0.55; // of more places each is drawn smaller
const SMALL_PX = 500; // on narrower maps places are drawn smaller
const MOST_ARC_LABELS = 12; // of more arcs nobody could read the words
const SHORT_PX = 60; // an arc that is shorter has no room for words
const ARC_POINTS = 24; // of each arc, for labels to keep away from

// A region's square, half its side, by how many are served there.
const halfOf = (sessions, most, unit) => (6 + 4 * Math.sqrt(sessions / Math.max(1, most))) * unit;

const radiusOf = (place, most, unit) => (5 + 7 * Math.sqrt(place.total / Math.max(1, most))) * unit;

/** The ground of a map, drawn once for a size: the land, and where everything will be. */
const mapGround = (svg, land, places, width, height) => {
  const view = projection.fitted(places, width, height, width < 500 ? 48 : 72);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(
    s("path", { class: "land", d: projection.landPath(land, view, width) }),
    s("g", { class: "scene" }),
  );
  return { view, width, height };
};

/** What changes from instant to instant, on a ground. */
const drawScene = (svg, ground, scene) => {
  const { view, width, height } = ground;
  const many = scene.regions.length + scene.locations.length;
  const unit = (width < SMALL_PX ? 0.75 : 1) * Math.max(LEAST_UNIT, Math.min(1, Math.sqrt(MANY_PLACES / many)));
  const most = Math.max(1, ...scene.locations.map((place) => place.total));
  const sessions = scene.regions.map(({ index }) => scene.locations.reduce((sum, place) => sum + (place.served.get(index) ?? 0), 0));
  const regions = scene.regions.map((region, k) => {
    const half = halfOf(sessions[k], Math.max(...sessions), unit);
    return { ...region, point: view.project(region.at), half, radius: half + 4 * unit };
  });
  const locations = scene.locations.map((place) => ({ ...place, point: view.project(place.at), radius: radiusOf(place, most, unit) }));
  const arcs = arcsOf(regions, locations, scene.links);
  const labels = [...regions.map(regionLabel), ...locations.map(locationLabel), ...(arcs.length > MOST_ARC_LABELS ? [] : arcs.flatMap(arcLabel))].map(measured);
  const arcPoints = arcs.flatMap(({ along }) => Array.from({ length: ARC_POINTS - 1 }, (_, k) => along((k + 1) / ARC_POINTS)));
  // Finding room for labels takes longest, and from one scene to the next they hardly change.
  const key = JSON.stringify(labels.map((label) => [label.x, label.y, label.radius, label.width, label.height]));
  if (ground.labelled?.key !== key) ground.labelled = { key, boxes: placing.placed(labels, arcPoints, width, height) };
  const { boxes } = ground.labelled;
  svg.querySelector(".scene").replaceChildren(
    s("g", null, arcs.map((one) => drawArc(one, most)), (scene.cut ?? []).map((ends) => drawCut(...ends.map(view.project)))),
    s("g", null, locations.map(drawLocation), regions.map(drawRegion)),
    s("g", null, labels.map((label, k) => (boxes[k] ? drawLabel(label, boxes[k]) : null))),
  );
};

/** An arc for whoever is connected, and for where DNS leads or a link is broken. */
const arcsOf = (regions, locations, links) => locations.flatMap((place, l) => regions.flatMap((region) => {
  const clients = place.served.get(region.index) ?? 0;
  const link = links.find((one) => one.location === l && one.region === region.index);
  const broken = Boolean(link && link.state !== "up");
  if (!clients && !broken && place.dns !== region.index) return [];
  return [{ clients, broken, index: region.index, traffic: place.traffic?.get(region.index), ...projection.arc(place.point, region.point) }];
}));

const drawArc = ({ clients, broken, index, path, along }, most) => [
  clients || broken ? null : s("path", { class: "arc led", d: path }),
  clients ? s("path", { class: `arc ${regionClass(index)}`, d: path, "stroke-width": (1.5 + 4.5 * Math.sqrt(clients / most)).toFixed(1) }) : null,
  broken ? [s("path", { class: "arc broken", d: path }), cross(along(0.5), 6, "cut")] : null,
];

const drawCut = (from, to) => drawArc({ broken: true, ...projection.arc(from, to) });

const cross = ([x, y], size, kind) =>
  s("path", { class: `cross ${kind}`, d: `M${x - size} ${y - size}L${x + size} ${y + size}M${x + size} ${y - size}L${x - size} ${y + size}` });

/** A square in the region's colour; hollow and crossed when down; a ring for what is believed. */
const drawRegion = ({ point, index, up, believed, fault, half }) => {
  const [x, y] = point, ring = half * Math.SQRT2 + 4;
  return s("g", { class: `place ${regionClass(index)}` },
    s("circle", { class: `belief ${believed}`, cx: x, cy: y, r: ring }),
    s("rect", { class: up ? "region up" : "region down", x: x - half, y: y - half, width: 2 * half, height: 2 * half, rx: 2 }),
    up ? null : cross(point, half * 0.65, "cut"),
    fault ? s("path", { class: "flash", d: `M${x + ring * 0.75} ${y - ring - 5}l-5 8h4l-2 7 6-9h-4l3-6z` }) : null);
};

/** A ring with a piece for each region that serves the place, and a gap for who is not served. */
const drawLocation = ({ point, radius, total, served, cut, unanswered }) => {
  const [x, y] = point;
  const pieces = [s("circle", { class: "location", cx: x, cy: y, r: radius })];
  let from = 0;
  const piece = (clients, kind) => {
    if (!clients || !total) return;
    const share = clients / total;
    const shape = { class: `piece ${kind}`, cx: x, cy: y, r: radius - 2, pathLength: 1, "stroke-dasharray": `${share} ${1 - share}`, "stroke-dashoffset": -from };
    pieces.push(s("circle", { ...shape, transform: `rotate(-90 ${x} ${y})` }));
    from += share;
  };
  for (const [index, clients] of served) piece(clients, regionClass(index));
  piece(unanswered, "unanswered");
  piece(cut, "cut");
  pieces.push(s("circle", { class: cut || unanswered ? "heart cut" : "heart", cx: x, cy: y, r: 2 }));
  return s("g", { class: "place" }, pieces);
};

const regionLabel = ({ code, point, radius, up, believed }) => {
  const lines = [code];
  if (!up) lines.push(believed === "up" ? "down, believed up" : "down");
  else if (believed === "down") lines.push("up, believed down");
  return { point, radius: radius + 3, lines, kind: "of-region" };
};

const locationLabel = ({ name, point, radius, cut, unanswered, total }) => {
  const lines = [name];
  if (cut) lines.push(`${cut} of ${total} cut off`);
  if (unanswered) lines.push(`${unanswered} unanswered`);
  return { point, radius, lines, kind: "of-location" };
};

/** How much crosses an arc, and how long it takes. */
const arcLabel = ({ along, traffic, broken }) => {
  const [[x, y], [toX, toY]] = [along(0), along(1)];
  if (!traffic || broken || Math.hypot(toX - x, toY - y) < SHORT_PX) return [];
  const words = [`${+traffic.rate.toPrecision(2)}/s`, ...(traffic.ms === null ? [] : [`${Math.round(traffic.ms)} ms`])];
  return [{ point: along(0.5), radius: 0, lines: [words.join(" · ")], kind: "of-arc" }];
};

const measured = (label) => ({
  ...label,
  x: label.point[0],
  y: label.point[1],
  width: Math.max(...label.lines.map((line) => line.length)) * CHARACTER_PX + 4,
  height: label.lines.length * LINE_PX,
});

const drawLabel = ({ lines, width, kind }, box) => {
  const x = box.x + { start: 0, middle: width / 2, end: width }[box.anchor];
  return s("text", { class: `label ${kind}`, "text-anchor": box.anchor },
    lines.map((line, k) => s("tspan", { x: x.toFixed(1), y: (box.y + 11 + k * LINE_PX).toFixed(1), class: k ? "second" : "first" }, line)));
};

const LEGEND = [
  ["●", "location: a ring filled by the regions that serve it; a gap is who is cut off"],
  ["■", "region, the larger the more it serves; crossed when no machine of it runs"],
  ["◌", "its ring: what the health checker believes; dashed when down"],
  ["╌", "dotted arc: where DNS leads, with nobody connected yet"],
];

/** What the signs on a map mean. */
const mapLegend = () => LEGEND.map(([sign, text]) => h("span", null, h("b", { "aria-hidden": "true" }, sign), " ", text));

export { drawScene, mapGround, mapLegend };
