// Machines: what each is, what its check says, and what it printed last.
import { h, icon } from "../../page/assets/elements.js";
import { world } from "./client.js";
import { liveTable } from "./table.js";

const LOG_EVERY_MS = 1500;

const mark = (text, good) => (good ? text : { key: `bad ${text}`, make: () => h("span", { class: "bad" }, icon("✕", "failed"), text) });

const machines = (portrait, choose) => {
  const table = liveTable("Machines", ["machine", "id", "is", "check", "the check said", "do"]);
  const title = h("h3"), lines = h("pre", { tabindex: 0, role: "region", "aria-label": "The log's last lines" });
  const close = h("button", { type: "button", class: "do", onclick: () => read(null) }, "Close the log");
  const log = h("div", { class: "log", hidden: true }, h("div", { class: "log-head" }, title, close), lines);
  let reading = null, timer = 0;

  const load = async () => {
    clearTimeout(timer);
    const machine = reading;
    if (!machine) return;
    const { lines: found } = await world.get(`/live/log?machine=${encodeURIComponent(machine)}`).catch((error) => ({ lines: [error.message] }));
    if (reading !== machine) return;
    const text = found.join("\n") || "It has printed nothing.";
    if (lines.textContent !== text) {
      const following = lines.scrollTop + lines.clientHeight > lines.scrollHeight - 8;
      lines.textContent = text;
      if (following) lines.scrollTop = lines.scrollHeight;
    }
    timer = setTimeout(load, LOG_EVERY_MS);
  };

  const read = (machine) => {
    reading = machine?.id ?? null;
    log.hidden = !reading;
    lines.textContent = "";
    if (!machine) return;
    title.textContent = `Log of ${machine.name}`;
    load();
  };

  const update = (frame) => table.update(frame.regions.flatMap(({ machines: found }) => found.map((machine) => {
    const { id, name, state, check, output } = machine;
    return { key: id, cells: [name, id, mark(state, state === "started"), mark(check, check === "passing"), output || "–",
      { key: id, make: () => h("span", { class: "row-buttons" },
        h("button", { type: "button", class: "do", onclick: () => read(machine), "aria-label": `Log of ${name}` }, "log"),
        h("button", { type: "button", class: "do", onclick: () => choose("machine", name), "aria-label": `Choose ${name} to do something to` }, "choose")) }] };
  })));
  return { element: h("section", null, h("h2", null, "Machines"), table.element, log), update };
};

export { machines };
