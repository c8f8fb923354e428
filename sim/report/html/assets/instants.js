// What was so at an instant: questions to the model's lanes and bands. Pure.
const ABSENT = 0, CONNECTING = 1, CUT_OFF = 2, SERVED = 3;

/** What a lane's state means: its name, and the index of the region it is about. */
const meaning = (state) => {
  if (state === ABSENT) return { name: "absent", region: null };
  if (state === CONNECTING) return { name: "connecting", region: null };
  if (state === CUT_OFF) return { name: "cut off", region: null };
  const region = (state - SERVED) >> 1;
  return { name: (state - SERVED) % 2 ? "unanswered" : "connected", region };
};

/** A client's runs as the first cell of each and its state; `ends` closes the last. */
const unpacked = (runs) => {
  const starts = [], states = [];
  let cell = 0;
  for (let k = 0; k < runs.length; k += 2) {
    starts.push(cell);
    states.push(runs[k]);
    cell += runs[k + 1];
  }
  return { starts, states, end: cell };
};

/** The position of the last start that is not after a value, or -1. */
const lastUpTo = (starts, value) => {
  let low = 0, high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/** A lane at an instant: its state, and from when until when it lasts, in seconds. */
const laneAt = (lane, t, cell_s) => {
  const k = Math.max(0, lastUpTo(lane.starts, Math.floor(t / cell_s + 1e-6)));
  const until = (k + 1 < lane.starts.length ? lane.starts[k + 1] : lane.end) * cell_s;
  return { ...meaning(lane.states[k] ?? ABSENT), from: (lane.starts[k] ?? 0) * cell_s, until };
};

/** The value of a band at an instant, or null before its first change. */
const valueAt = (changes, t) => {
  let value = null;
  for (const [at, now] of changes) {
    if (at > t + 1e-6) break;
    value = now;
  }
  return value;
};

/** The clients of each location at an instant, counted by what they are. */
const whereabouts = (locations, lanes, cell_s, t) => {
  const found = locations.map(() => ({ served: new Map(), unanswered: 0, cut: 0, connecting: 0, absent: 0 }));
  for (const lane of lanes) {
    const counts = found[lane.location];
    if (!counts) continue;
    const { name, region } = laneAt(lane, t, cell_s);
    if (name === "connected") counts.served.set(region, (counts.served.get(region) ?? 0) + 1);
    else if (name === "unanswered") counts.unanswered += 1;
    else if (name === "cut off") counts.cut += 1;
    else counts[name] += 1;
  }
  return found;
};

/** The faults that last at an instant. */
const faultsAt = (faults, t) =>
  faults.filter((fault) => fault.until !== null && fault.at <= t && t < fault.until);

/**
 * A band as spans of time: [{from, until, value}].
 */
const spans = (changes, end) =>
  changes.map(([from, value], k) => ({ from, value, until: k + 1 < changes.length ? changes[k + 1][0] : end }));

export const instants = { meaning, unpacked, laneAt, valueAt, whereabouts, faultsAt, spans };
