// A frame in the words of the map and of the tables. Pure.
const believed = (machines) => {
  if (machines.some(({ check }) => check === "passing")) return "up";
  return machines.length && machines.every(({ check }) => check === "critical") ? "down" : "unsure";
};

/** Who is connected where: the load's clients, or without a load whoever is connected. */
const whoIsWhere = (place, runs) => (runs ? place.served : place.standing);

/** The scene of a frame, as map.js draws it. */
const sceneOf = (portrait, frame) => {
  const index = new Map(portrait.regions.map(({ code }, k) => [code, k]));
  const regions = portrait.regions.map((region, k) => {
    const { machines } = frame.regions[k];
    return {
      ...region, index: k,
      up: machines.some(({ state }) => state === "started"),
      believed: believed(machines),
      fault: frame.faults.some((fault) => fault.region === region.code && !fault.location),
    };
  });
  const locations = portrait.locations.map((place, k) => {
    const now = frame.locations[k];
    const where = whoIsWhere(now, frame.load.runs);
    const served = new Map(Object.entries(where).filter(([code]) => index.has(code)).map(([code, n]) => [index.get(code), n]));
    const traffic = new Map(Object.entries(now.by_region)
      .filter(([code, { rate }]) => index.has(code) && rate > 0)
      .map(([code, { rate, ms }]) => [index.get(code), { rate, ms: ms[0] }]));
    const total = frame.load.runs ? now.total : Object.values(where).reduce((sum, n) => sum + n, 0);
    return { ...place, served, traffic, total, cut: now.cut, unanswered: now.unanswered, connecting: now.connecting, dns: index.get(now.dns[0]) ?? null };
  });
  const names = new Map(portrait.locations.map(({ name }, k) => [name, k]));
  const links = frame.links
    .filter((link) => names.has(link.from) && index.has(link.to))
    .map((link) => ({ location: names.get(link.from), region: index.get(link.to), state: link.state }));
  const where = (name) => portrait.regions.find(({ code }) => code === name)?.at ?? portrait.services[name] ?? null;
  const cut = frame.links
    .filter((link) => link.state !== "up" && index.has(link.from))
    .map((link) => [where(link.from), where(link.to)])
    .filter(([from, to]) => from && to && String(from) !== String(to));
  return { regions, locations, links, cut };
};

export { believed, sceneOf };
