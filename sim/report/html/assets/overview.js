// The head of the page: the verdict, the figures that matter, and what was expected.
import { h, icon, table } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const VERDICTS = {
  held: ["✓", "held", "Everything that was expected has held."],
  failed: ["✕", "failed", "An expectation failed."],
  unknown: ["?", "unknown", "This run does not prove what was asked."],
};
const FINDINGS = { true: ["✓", "held"], false: ["✕", "failed"], null: ["?", "unknown"] };

const tile = (figure, label, note) =>
  h("div", { class: "tile" }, h("strong", null, figure), h("span", null, label), note ? h("small", null, note) : null);

const tiles = ({ outages, ledger, locations, disconnects }) => {
  const worst = outages.groups.reduce((most, group) => Math.max(most, group.until - group.from), 0);
  const who = outages.groups.find((group) => group.until - group.from === worst);
  const clients = locations.reduce((sum, place) => sum + place.clients, 0);
  const total = outages.sum.reduce((sum, part) => sum + part, 0);
  const ended = disconnects.reduce((sum, row) => sum + row.count, 0);
  const nobody = ended ? `but ${words.count(ended, "connection")} ended` : "nobody was cut off";
  const wrong = ledger.lost + ledger.duplicated + ledger.reordered;
  return h("div", { class: "tiles" },
    tile(who ? words.seconds(worst) : "none", "worst outage", who ? `${who.client}${who.ended ? "" : ", not over at the end"}` : nobody),
    tile(`${words.integer(outages.clients)} of ${words.integer(clients)}`, "clients cut off", total ? `${words.integer(Math.round(total))} client-seconds in all` : null),
    ledger.audited
      ? tile(words.integer(wrong), "messages lost, doubled or out of order", `of ${words.integer(ledger.sent)} sent`)
      : tile("?", "messages lost, doubled or out of order", "not audited"),
    tile(words.integer(ledger.sessions_resumed), "sessions resumed", `${words.integer(ledger.sessions_broken)} forgotten, ${words.integer(ledger.sessions_unresumed)} never`));
};

const expectation = ({ check, asked, held, observed, why }) => {
  const [mark, word] = FINDINGS[held];
  return h("li", { class: `finding ${word}` },
    icon(mark, word),
    h("div", null,
      h("p", null, h("b", null, check), asked ? ` ${asked}` : "", " ", h("span", { class: "observed" }, `→ ${observed}`),
        h("span", { class: "unseen" }, ` (${word})`)),
      why && held !== true ? h("p", { class: "why" }, why) : null));
};

const facts = (run) => [
  ["gateway", run.app],
  ["routing", run.mode === "geodns" ? `geodns, TTL ${words.tick(run.ttl_s)}` : run.mode],
  ["parts", [run.runtime && `${run.runtime} runtime`, run.links && `${run.links} links`].filter(Boolean).join(", ")],
  ["load", run.live ? null : `${run.driver}, every ${words.tick(run.every_s)} a client`],
  ["duration", `${words.tick(run.duration_s)} simulated`],
  ["speed", `${run.speed}×`],
  ["seed", run.seed],
  ["made by", run.version && `sim ${run.version}`],
  ["cost", run.cost_usd_month && `$${run.cost_usd_month.total.toFixed(2)} a month (estimate)`],
].filter(([, value]) => value !== null && value !== undefined && value !== "");

const overview = (model) => {
  const { run } = model;
  const [mark, word, aboutRun] = VERDICTS[run.verdict];
  const sentence = run.live ? "A session: nothing was expected of it." : aboutRun;
  const without = run.live ? "A world was brought up, and no scenario was run." : "This scenario expects nothing.";
  return h("header", { class: "head" },
    h("div", { class: "title" },
      h("h1", null, run.name),
      h("p", { class: `verdict ${word}` }, icon(mark), h("b", null, word), h("span", null, sentence))),
    model.doubts.length ? h("ul", { class: "doubts" }, model.doubts.map((text) => h("li", null, icon("?", "unknown"), text))) : null,
    tiles(model),
    h("h2", null, "What was expected"),
    model.expectations.length ? h("ul", { class: "findings" }, model.expectations.map(expectation)) : h("p", null, without),
    h("dl", { class: "facts" }, facts(run).map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))));
};

/** What happened, line by line, each a link to its instant. */
const story = ({ lines, omitted }) =>
  h("section", null,
    h("h2", null, "What happened"),
    h("ol", { class: "story" }, lines.map(([t, text]) =>
      h("li", null, h("a", { href: `#t=${t.toFixed(1)}` }, words.seconds(t)), h("span", null, text)))),
    omitted ? h("p", { class: "note" }, `${words.count(omitted, "more line")} left out; they are in the journal.`) : null);

/** Who stayed on a region after DNS had left it, by how their resolvers keep answers. */
const tails = (found) => {
  const rows = found.flatMap((tail) => tail.resolvers.map((row) => [
    `${tail.location} on ${tail.region}`, row.resolver, row.clients, row.stayed, row.never_left,
    words.seconds(row.median_s), words.seconds(row.longest_s), row.longest_client]));
  if (!rows.length) return null;
  return h("div", null, h("h3", null, "Who stayed on a region after DNS had left it"),
    table("Who stayed on a region after DNS had left it",
      ["place", "resolver", "#clients", "#stayed", "#never left", "#median", "#longest", "client"], rows));
};

export { overview, story, tails };
