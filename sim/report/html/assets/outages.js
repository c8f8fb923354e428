// The section of outages: where the time went, for each and for the whole fleet.
import { asTable, h, s, table as tableOf } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";
import { tails } from "./overview.js";
import { drawWaterfall } from "./waterfall.js";

const MOST_CARDS = 12;
const LABELS = { detection: "detection", dns: "DNS", cache: "resolver cache", recovery: "recovery", backoff: "backoff", connection: "connection", resume: "resume" };
const MEANINGS = {
  detection: "until the health checker believed it, or the client noticed",
  dns: "until DNS led elsewhere",
  cache: "until the client's cached answer ran out",
  recovery: "until the same region could be reached again",
  backoff: "pauses between attempts, and attempts that failed",
  connection: "the attempt that worked",
  resume: "until the first answer on the new connection",
};

const named = (names, seconds) => names.map((name, k) => ({ name, label: LABELS[name], seconds: seconds[k] }));
const title = (group) => `${group.location}: ${group.region ?? "never served"} → ${group.to ?? "nobody"}`;

const card = (heading, sentence, parts, unit, link) => {
  const svg = s("svg", { role: "img", "aria-label": `${heading}: ${parts.filter((p) => p.seconds >= 0.05).map((p) => `${p.label} ${p.seconds.toFixed(1)} ${unit}`).join(", ")}` });
  const box = h("div", { class: "waterfall" }, svg);
  return {
    element: h("article", { class: "card" }, h("h3", null, heading), h("p", { class: "sub" }, sentence, link ? [" ", link] : null), box),
    draw: () => box.clientWidth && drawWaterfall(svg, parts, Math.round(box.clientWidth), unit),
  };
};

const groupCard = (names, group) => card(
  title(group),
  `${words.count(group.clients, "client")}; worst ${group.client} with ${words.seconds(group.until - group.from)}, median ${words.seconds(group.median_s)}${group.ended ? "" : "; not over at the end"}`,
  named(names, group.worst), "s",
  h("a", { href: `#t=${group.from.toFixed(1)}` }, "go there"));

const partTable = ({ parts, groups, sum }) => tableOf("Outages and their parts",
  ["outage", "clients", "worst client", "#from", "#until", ...parts.map((name) => `#${LABELS[name]} s`), "#in all s"],
  [...groups.map((group) => [title(group), group.clients, group.client, words.seconds(group.from), words.seconds(group.until),
    ...group.worst.map((part) => part.toFixed(1)), (group.until - group.from).toFixed(1)]),
  ["the fleet, in client-seconds", "", "", "", "", ...sum.map((part) => part.toFixed(1)), sum.reduce((all, part) => all + part, 0).toFixed(1)]]);

const outages = (model) => {
  const found = model.outages;
  const cards = found.groups.slice(0, MOST_CARDS).map((group) => groupCard(found.parts, group));
  if (found.groups.length) {
    cards.unshift(card("The whole fleet",
      `${words.count(found.clients, "client")} cut off${found.unended ? `, ${found.unended} not served again by the end` : ""}; client-seconds by what was waited for`,
      named(found.parts, found.sum), "cs"));
  }
  const more = found.groups.length + found.omitted - MOST_CARDS;
  const section = h("section", null,
    h("h2", null, "Where the time of each outage went"),
    cards.length
      ? [h("div", { class: "cards" }, cards.map((one) => one.element)),
        more > 0 ? h("p", { class: "note" }, `${words.count(more, "smaller outage")} more in the table${found.omitted ? `, ${found.omitted} of them only in the journal` : ""}.`) : null,
        h("dl", { class: "meanings" }, found.parts.map((name) => h("div", { class: `part-${name}` }, h("dt", null, h("i", { class: "chip", "aria-hidden": "true" }), LABELS[name]), h("dd", null, MEANINGS[name])))),
        h("p", { class: "note" }, "An attempt with a cached address is seen only when it ends: then its time is in backoff. A part of less than 0.05 s is not drawn."),
        asTable("Outages as a table", () => partTable(found))]
      : found.blips.length ? null : h("p", null, "No client was cut off for longer than its own pace."),
    found.blips.map((text) => h("p", { class: "note" }, `${text}.`)),
    tails(model.tails));
  return { section, resize: () => cards.forEach((one) => one.draw()) };
};

export { outages };
