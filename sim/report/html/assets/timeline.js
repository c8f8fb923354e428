// The timeline: bands for faults, machines, beliefs and DNS over a lane for each client.
import { asTable, h, longTable, s } from "../../../page/assets/elements.js";
import { regionClass } from "../../../page/assets/palette.js";
import { words } from "../../../page/assets/words.js";
import { drawAxis, drawBands, packed, scaleOf } from "./bands.js";
import { instants } from "./instants.js";
import { drawLanes, drawSwatch, laneLayout } from "./lanes.js";

const MOST_MACHINES = 6; // of more, only those that changed have bands; the table has all
const KINDS = {
  started: "good", passing: "good", starting: "so-so", warning: "so-so", stopping: "so-so", frozen: "bad",
  stopped: "bad", critical: "bad", created: "quiet", destroyed: "quiet",
};

const tied = (fault) => (fault.when ? ` (at ${fault.when})` : "");

const faultRows = (faults) => {
  const lasting = faults.filter((fault) => fault.until !== null).map((fault) => ({
    from: fault.at, until: fault.until, kind: "bad", text: `${fault.fault} ${fault.target}`,
    title: `${fault.fault} ${fault.target}${tied(fault)}, ${words.seconds(fault.at)} to ${words.seconds(fault.until)}` }));
  const ticks = faults.filter((fault) => fault.until === null).map((fault) => ({ at: fault.at, text: `${fault.fault} ${fault.target}` }));
  const rows = packed(lasting).map((spans, k) => ({ label: k ? "" : "faults", spans }));
  if (ticks.length) rows.push({ label: "done at once", spans: [], ticks });
  return rows;
};

const stateRow = (label, changes, end) => ({
  label,
  spans: instants.spans(changes, end).map(({ from, until, value }) => ({
    from, until, kind: KINDS[value] ?? "quiet", text: value, title: `${label}: ${value}, ${words.seconds(from)} to ${words.seconds(until)}` })),
});

const waits = ([from, until, part, waited]) =>
  `the host kept ${part} waiting for ${words.seconds(waited)} (simulated), ${words.seconds(from)} to ${words.seconds(until)}`;

const noiseRows = (noise) => noise.length ? [{
  label: "this host",
  spans: noise.map((span) => ({ from: span[0], until: span[1], kind: "so-so", text: `${span[2]} waits`, title: waits(span) })) }] : [];

const bandRows = (model) => {
  const end = model.run.duration_s;
  const many = model.machines.length > MOST_MACHINES;
  const shown = many ? model.machines.filter((one) => one.truth.length > 1 || one.belief.length > 1).slice(0, 2 * MOST_MACHINES) : model.machines;
  const index = new Map(model.regions.map((region, k) => [region.code, k]));
  return [
    ...noiseRows(model.noise),
    ...faultRows(model.faults),
    ...shown.flatMap((machine) => [
      stateRow(`${machine.name} truth`, machine.truth, end),
      stateRow(`${machine.name} belief`, machine.belief, end)]),
    ...model.dns.map(({ location, changes }) => ({
      label: `${location} DNS`,
      spans: instants.spans(changes, end).map(({ from, until, value }) => ({
        from, until, kind: index.has(value) ? regionClass(index.get(value)) : "bad", text: value || "no region",
        title: `DNS leads ${location} to ${value || "no region"}, ${words.seconds(from)} to ${words.seconds(until)}` })),
    })),
  ];
};

const legend = (model) => {
  const entries = [
    ...model.regions.map((region, k) => [3 + 2 * k, `connected to ${region.code}`]),
    [4, "connected, not answered"], [2, "cut off"], [1, "connecting"], ["resumed", "session resumed"], ["forgot", "session forgotten"]];
  const swatches = entries.map(([what]) => ({ what, canvas: h("canvas", { "aria-hidden": "true" }) }));
  const element = h("p", { class: "legend" }, swatches.map(({ canvas }, k) => h("span", null, canvas, entries[k][1])));
  return { element, draw: (colours) => swatches.forEach(({ what, canvas }) => drawSwatch(canvas, what, colours)) };
};

const bandTable = (model) => {
  const rows = model.faults.map((fault) => ["fault", `${fault.fault} ${fault.target}${tied(fault)}`, words.seconds(fault.at), words.seconds(fault.until)]);
  const add = (what, changes) => instants.spans(changes, model.run.duration_s).forEach(({ from, until, value }) =>
    rows.push([what, value || "no region", words.seconds(from), words.seconds(until)]));
  for (const machine of model.machines) {
    add(`${machine.name} (${machine.id}) is`, machine.truth);
    add(`${machine.name} is believed`, machine.belief);
  }
  for (const { location, changes } of model.dns) add(`DNS leads ${location} to`, changes);
  for (const link of model.links) add(`link ${link.from} to ${link.to}`, link.changes.map(([t, [state, rtt]]) => [t, `${state}, ${rtt} ms`]));
  for (const [from, until, part, waited] of model.noise)
    rows.push([`the host kept ${part} waiting`, words.seconds(waited), words.seconds(from), words.seconds(until)]);
  return longTable("Faults, machines, beliefs, DNS, links and this host", ["what", "was", "#from", "#until"], rows);
};

const clientTable = (model) => {
  const codes = model.regions.map((region) => region.code);
  const cell_s = model.lanes.cell_s;
  return longTable("Every client", ["client", "served by, in order", "#outages", "#cut off or unanswered", "#refused", "#resumed", "#forgotten"],
    model.lanes.clients.map((lane) => {
      const order = [];
      let lost = 0;
      lane.states.forEach((state, k) => {
        const { name, region } = instants.meaning(state);
        const cells = (lane.starts[k + 1] ?? lane.end) - lane.starts[k];
        if (name === "connected" && order.at(-1) !== codes[region]) order.push(codes[region]);
        if (name === "cut off" || name === "unanswered") lost += cells * cell_s;
      });
      const shown = order.length > 8 ? [...order.slice(0, 8), `… ${order.length - 8} more`] : order;
      return [lane.name, shown.join(" → ") || "none", lane.outages, words.seconds(lost), lane.refused,
        lane.marks.filter(([, forgot]) => !forgot).length, lane.marks.filter(([, forgot]) => forgot).length];
    }));
};

const says = (lane, model, t) => {
  const { name, region, from, until } = instants.laneAt(lane, t, model.lanes.cell_s);
  const where = region === null ? "" : name === "connected" ? ` to ${model.regions[region].code}` : ` by ${model.regions[region].code}`;
  return `${lane.name} at ${words.seconds(t)}: ${name}${where}, ${words.seconds(from)} to ${words.seconds(until)}`;
};

const timeline = (model, time) => {
  const axis = s("svg", { "aria-hidden": "true" }), bands = s("svg", { role: "img", "aria-label": "Bands of this host, faults, machines, beliefs and DNS: see the table below" });
  const canvas = h("canvas", { "aria-hidden": "true" }), head = h("div", { class: "playhead", "aria-hidden": "true" });
  const pointer = h("div", { class: "lane-pointer", hidden: true }), heads = h("div", { class: "lane-heads" });
  const readout = h("p", { class: "readout", role: "status" }, "Point at a lane, or move to the lanes with Tab: ↑ and ↓ choose a client, ← and → move time.");
  const area = h("div", { class: "lanes", tabindex: 0, role: "application", "aria-roledescription": "timeline", "aria-label": "Lanes of clients. Up and down choose a client, left and right move time." }, canvas, heads, pointer);
  const plot = h("div", { class: "plot" }, axis, bands, area, head);
  const signs = legend(model);
  const groups = model.locations.map((_, l) => model.lanes.clients.filter((lane) => lane.location === l)).filter((group) => group.length);
  const ordered = groups.flat();
  let layout = null, chosen = -1;

  const choose = (k, t) => {
    chosen = Math.max(0, Math.min(ordered.length - 1, k));
    if (!ordered.length || !layout) return;
    pointer.hidden = false;
    pointer.style.top = `${layout.tops[chosen] - 1}px`;
    pointer.style.height = `${layout.laneTall + 2}px`;
    pointer.style.left = `${layout.gutter}px`;
    readout.textContent = says(ordered[chosen], model, t);
  };
  const secondsAt = (event) => {
    const box = plot.getBoundingClientRect();
    return ((event.clientX - box.left - layout.gutter) / (layout.width - layout.gutter)) * layout.duration;
  };
  const laneAt = (event) => {
    const y = event.clientY - canvas.getBoundingClientRect().top;
    if (y < 0 || y > layout.tall) return -1;
    return layout.tops.findLastIndex((top) => top <= y);
  };
  const onPointer = (event) => {
    const t = Math.max(0, Math.min(layout.duration, secondsAt(event)));
    if (event.buttons & 1 || event.type === "pointerdown") time.set(t);
    const k = laneAt(event);
    if (k >= 0) choose(k, t);
  };
  plot.addEventListener("pointerdown", onPointer);
  plot.addEventListener("pointermove", onPointer);
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10 };
  area.addEventListener("keydown", (event) => {
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (move) choose(chosen + move, time.now);
    else if (event.key in STEPS) time.set(time.now + STEPS[event.key] * (event.shiftKey ? 0.1 : 1));
    else if (event.key === "Home") time.set(0);
    else if (event.key === "End") time.set(time.duration);
    else return;
    event.preventDefault();
  });
  time.subscribe((t) => {
    if (!layout) return;
    head.style.left = `${scaleOf(layout)(t)}px`;
    if (document.activeElement === area && chosen >= 0) choose(chosen, t);
  });

  const resize = (colours) => {
    const width = Math.round(plot.clientWidth);
    if (!width) return;
    const scale = { width, gutter: width < 600 ? 86 : 148, duration: Math.max(model.run.duration_s, 0.1) };
    drawAxis(axis, scale);
    drawBands(bands, bandRows(model), scale);
    layout = laneLayout(groups, scale, model.lanes.cell_s);
    drawLanes(canvas, ordered, layout, colours);
    heads.replaceChildren(...groups.map((group, k) => {
      const place = model.locations[group[0].location];
      const element = h("div", { class: "lane-head" }, h("b", null, place.name), h("small", null, words.count(group.length, "client")));
      element.style.top = `${layout.heads[k]}px`;
      element.style.width = `${scale.gutter - 10}px`;
      return element;
    }));
    signs.draw(colours);
    head.style.left = `${scaleOf(layout)(time.now)}px`;
    if (chosen >= 0) choose(chosen, time.now);
  };
  const section = h("section", null,
    h("h2", null, "Every client, moment by moment"),
    signs.element,
    h("figure", null, plot, readout),
    model.lanes.cell_s > 0.1 ? h("p", { class: "note" }, `Lanes are drawn to ${words.tick(model.lanes.cell_s)}; of several states in that time the worst is shown.`) : null,
    asTable("Bands as a table", () => bandTable(model)),
    asTable("Clients as a table", () => clientTable(model)));
  return { section, resize };
};

export { timeline };
