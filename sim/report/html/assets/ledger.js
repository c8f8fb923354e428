// The ledger: what became of every message, and each one that did not fare as promised.
import { h, icon, longTable } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const SIGNS = { lost: "✕", duplicated: "⧉", reordered: "⇅" };

const instant = (t) => (t === null ? "–" : h("a", { href: `#t=${t.toFixed(1)}` }, words.seconds(t)));

const balance = (ledger) => h("dl", { class: "balance" },
  [["sent", ledger.sent], ["acknowledged", ledger.acked], ["never answered", ledger.unanswered],
    ...(ledger.audited ? [["lost", ledger.lost], ["duplicated", ledger.duplicated], ["reordered", ledger.reordered]] : []),
    ["sessions opened", ledger.sessions_opened], ["resumed", ledger.sessions_resumed], ["forgotten", ledger.sessions_broken], ["never resumed", ledger.sessions_unresumed],
    ...(ledger.sessions_replaced ? [["replaced by new ones", ledger.sessions_replaced]] : []),
    ...(ledger.sessions_pending ? [["on their way back at the end", ledger.sessions_pending]] : [])]
    .map(([name, value]) => h("div", { class: value && ["lost", "duplicated", "reordered", "forgotten", "never resumed"].includes(name) ? "bad" : null },
      h("dt", null, name), h("dd", null, words.integer(value)))));

const anomalies = ({ anomalies: found, anomalies_omitted: omitted }) => [
  h("h3", null, "Messages that did not fare as promised"),
  longTable("Anomalies", ["anomaly", "session", "#message", "client", "#sent", "#acknowledged", "machine", "what is wrong"],
    found.map(([kind, session, seq, client, sent, acked, machine, text]) =>
      [h("span", null, icon(SIGNS[kind] ?? "!", "failed"), kind), session, seq, client, instant(sent), instant(acked), machine, text])),
  omitted ? h("p", { class: "note" }, `${words.count(omitted, "more anomaly").replace("anomalys", "anomalies")} in the journal.`) : null,
];

const forgotten = ({ forgotten: found, forgotten_omitted: omitted }) => [
  h("h3", null, "Sessions that were resumed with less than they had"),
  longTable("Forgotten sessions", ["session", "client", "#at", "region", "machine", "#gateway held", "#had been acknowledged"],
    found.map(([t, session, client, region, machine, acked, remembered]) => [session, client, instant(t), region, machine, acked, remembered])),
  omitted ? h("p", { class: "note" }, `${words.integer(omitted)} more in the journal.`) : null,
];

const ledger = (model) => h("section", null,
  h("h2", null, "The ledger of messages"),
  balance(model.ledger),
  model.ledger.audited ? null : h("p", { class: "note" }, icon("?", "unknown"), `What is stored is not known: ${model.ledger.why_not_audited || "nobody asked"}.`),
  model.ledger.anomalies.length ? anomalies(model.ledger)
    : model.ledger.audited ? h("p", null, icon("✓", "held"), "Every acknowledged message is stored once and in its order.") : null,
  model.ledger.forgotten.length ? forgotten(model.ledger) : null);

export { ledger };
