// What the pages' pure modules compute, in Node.js's own test runner (tests/page/test_modules.py).
import assert from "node:assert/strict";
import { test } from "node:test";

import { believed, sceneOf } from "../../sim/dashboard/assets/scene.js";
import { labels } from "../../sim/page/assets/labels.js";
import { projection } from "../../sim/page/assets/projection.js";
import { words } from "../../sim/page/assets/words.js";
import { packed } from "../../sim/report/html/assets/bands.js";
import { instants } from "../../sim/report/html/assets/instants.js";
import { laneLayout } from "../../sim/report/html/assets/lanes.js";

test("numbers and their nouns", () => {
  assert.equal(words.count(1, "client"), "1 client");
  assert.equal(words.count(1200, "client"), "1,200 clients");
  assert.equal(words.seconds(null), "–");
  assert.equal(words.seconds(1.25), "1.3 s");
});

test("times on an axis are whole minutes where they can be", () => {
  assert.equal(words.tick(90), "90 s");
  assert.equal(words.tick(180), "3 min");
  assert.equal(words.tick(200), "200 s");
});

test("bytes in the unit that keeps them short", () => {
  assert.equal(words.bytes(1023), "1023 B");
  assert.equal(words.bytes(1536), "1.5 KiB");
  assert.equal(words.bytes(200 * 1024 * 1024), "200 MiB");
});

test("an axis has round steps, as many as fit, and a top above its values", () => {
  assert.deepEqual(words.steps(60, 6), [0, 10, 20, 30, 40, 50, 60]);
  assert.ok(words.steps(1234, 7).length <= 8);
  for (const value of [0.3, 7, 99, 100, 101, 12345]) {
    assert.ok(words.ceiling(value) >= value);
    assert.ok(words.ceiling(value) <= 2 * value);
  }
  assert.equal(words.ceiling(0), 1);
});

test("every place lies within the picture, also on both sides of the date line", () => {
  const places = [[35.7, 139.7], [-33.9, 151.2], [37.3, -121.9], [21.3, -157.9]];
  const view = projection.fitted(places, 800, 400, 40);
  const xs = places.map((place) => view.project(place)[0]);
  for (const place of places) {
    const [x, y] = view.project(place);
    assert.ok(x >= 39 && x <= 761 && y >= 0 && y <= 400, `${place}: ${x} ${y}`);
  }
  // Tokyo is west of Honolulu, and San Jose east of it: the ocean is not torn apart.
  assert.ok(xs[0] < xs[3] && xs[3] < xs[2]);
});

test("labels hide neither each other nor their points", () => {
  const points = [0, 1, 2].map((k) => ({ x: 200 + 6 * k, y: 100, radius: 4, width: 60, height: 14 }));
  const boxes = labels.placed(points, [], 400, 200);
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
    assert.ok(a.x + 60 <= b.x || b.x + 60 <= a.x || a.y + 14 <= b.y || b.y + 14 <= a.y, JSON.stringify([a, b]));
  }));
});

test("a lane's runs are read back, cell by cell", () => {
  const lane = instants.unpacked([0, 2, 3, 4, 4, 1, 2, 3]);
  assert.deepEqual(lane, { starts: [0, 2, 6, 7], states: [0, 3, 4, 2], end: 10 });
  assert.deepEqual(instants.laneAt(lane, 1.5, 0.5), { name: "connected", region: 0, from: 1, until: 3 });
  assert.deepEqual(instants.laneAt(lane, 3.2, 0.5), { name: "unanswered", region: 0, from: 3, until: 3.5 });
  assert.equal(instants.laneAt(lane, 99, 0.5).name, "cut off");
});

test("what a band was, and which faults last, at an instant", () => {
  const changes = [[0, "fra"], [44, "iad"]];
  assert.equal(instants.valueAt(changes, -1), null);
  assert.equal(instants.valueAt(changes, 43.9), "fra");
  assert.equal(instants.valueAt(changes, 44), "iad");
  assert.deepEqual(instants.spans(changes, 60).map(({ until }) => until), [44, 60]);
  const faults = [{ at: 5, until: 10 }, { at: 8, until: null }, { at: 10, until: 12 }];
  assert.deepEqual(instants.faultsAt(faults, 10), [faults[2]]);
});

test("lanes are as tall as there is room for, and none lies on another", () => {
  for (const clients of [3, 50, 3000]) {
    const { tops, laneTall, tall } = laneLayout([Array(clients), Array(clients)], {}, 0.5);
    assert.equal(tops.length, 2 * clients);
    tops.slice(1).forEach((top, k) => assert.ok(top >= tops[k] + laneTall - 1e-6));
    assert.ok(tops.at(-1) + laneTall <= tall + 1e-6);
  }
});

test("a region is up, down or unsure as its checks say", () => {
  assert.equal(believed([{ check: "critical" }, { check: "passing" }]), "up");
  assert.equal(believed([{ check: "critical" }]), "down");
  assert.equal(believed([{ check: "critical" }, { check: "warning" }]), "unsure");
  assert.equal(believed([]), "unsure");
});

test("a frame's scene counts whoever is there, by region", () => {
  const portrait = {
    regions: [{ code: "fra", at: [50, 8] }, { code: "iad", at: [39, -77] }],
    locations: [{ name: "london", at: [51, 0] }],
    services: { database: [39, -77] },
  };
  const place = { total: 5, cut: 1, unanswered: 0, connecting: 1, served: { fra: 3 }, standing: { iad: 2 }, by_region: {}, dns: ["fra"] };
  const frame = {
    regions: [{ machines: [{ state: "started", check: "passing" }] }, { machines: [] }],
    locations: [place], faults: [{ region: "iad" }], load: { runs: true },
    links: [{ from: "london", to: "fra", state: "silent" }, { from: "fra", to: "database", state: "silent" }],
  };
  const scene = sceneOf(portrait, frame);
  assert.deepEqual([...scene.locations[0].served], [[0, 3]]);
  assert.equal(scene.locations[0].total, 5);
  assert.deepEqual(scene.regions.map(({ up, fault }) => [up, fault]), [[true, false], [false, true]]);
  assert.equal(scene.cut.length, 1);
  frame.load.runs = false;
  assert.deepEqual([...sceneOf(portrait, frame).locations[0].served], [[1, 2]]);
});

test("spans of one row do not overlap", () => {
  const [a, b, c] = [{ from: 0, until: 5 }, { from: 3, until: 4 }, { from: 5, until: 9 }];
  assert.deepEqual(packed([c, b, a]), [[a, c], [b]]);
});
