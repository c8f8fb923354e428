// Deploys, and how machines took the signal to end.
import { h, icon, longTable, table } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const SIGNS = { drained: ["✓", "held"], undrained: ["!", "unknown"], killed: ["✕", "failed"] };

const places = (counts) => Object.entries(counts).map(([place, n]) => `${place} ${n}`).join(", ");

const GOODBYES = { message: "by a message", none: "not at all" };
const goodbyes = (counts) => Object.entries(counts).map(([how, n]) => `${GOODBYES[how] ?? `with ${how}`} to ${n}`).join(", ");

const deployTable = (deploys) => table("Deploys, and the connections that they dropped",
  ["release", "strategy", "#from", "#until", "#replaced", "#dropped", "of", "goodbye", "ended"],
  deploys.map((deploy) => [deploy.release, deploy.strategy, words.seconds(deploy.from_s), deploy.to_s === null ? "–" : words.seconds(deploy.to_s),
    `${deploy.replaced} of ${deploy.machines}`, words.integer(deploy.dropped), places(deploy.dropped_by_location) || "–", goodbyes(deploy.goodbyes) || "–",
    [deploy.outcome ?? "not over", deploy.error].filter(Boolean).join(": ")]));

const stopTable = ({ stops, stops_omitted: omitted }) => [
  longTable("How machines took the signal to end", ["#at", "machine", "region", "by", "drain", "what became of it"],
    stops.map(([t, machine, region, by, outcome, story]) => [h("a", { href: `#t=${Math.max(0, t).toFixed(1)}` }, words.seconds(t)), machine, region, by,
      h("span", null, icon(...SIGNS[outcome]), outcome), story])),
  omitted ? h("p", { class: "note" }, `${words.integer(omitted)} more in the journal.`) : null,
];

const deploys = (model) => (model.deploys.length || model.stops.length
  ? h("section", null,
    h("h2", null, "Deploys and stops"),
    model.deploys.length ? deployTable(model.deploys) : null,
    model.stops.length ? stopTable(model) : null)
  : null);

export { deploys };
