// Scenarios played on this world: chosen, started, paused, stopped, and what came of the last one.
import { h, icon } from "../../page/assets/elements.js";
import { words } from "../../page/assets/words.js";
import { world } from "./client.js";
import { say } from "./table.js";

const MARKS = { held: "✓", failed: "✕", unknown: "?" };

const finding = ({ check, held, observed, why }) => {
  const word = held === null ? "unknown" : held ? "held" : "failed";
  return h("li", null, icon(MARKS[word], word), h("span", null, h("b", null, check), ` ${observed}`, h("span", { class: "unseen" }, ` (${word})`), held ? null : h("small", null, ` ${why}`)));
};

const verdict = (play) => ({ key: JSON.stringify([play.verdict, play.problem, play.report]), make: () => h("div", null,
  play.problem ? h("p", { class: "said bad" }, play.problem) : null,
  play.verdict ? h("div", { class: "outcome" },
    h("p", { class: `verdict ${play.verdict.outcome}` }, icon(MARKS[play.verdict.outcome]), h("b", null, play.verdict.outcome)),
    h("ul", null, play.verdict.doubts.map((text) => h("li", null, icon("?", "unknown"), h("span", null, text))), play.verdict.findings.map(finding)),
    play.report ? h("p", null, h("a", { href: "/live/report", target: "_blank", rel: "noopener" }, "The report of this run")) : null) : null) });

const player = () => {
  const select = h("select", { id: "scenario" });
  const said = h("p", { class: "said", role: "status" }), what = h("p", { class: "playing" }), outcome = h("div");
  const bar = h("progress", { max: 1, value: 0, "aria-label": "How far the scenario is" });
  const ask = (order) => async () => {
    said.className = "said";
    said.textContent = "";
    try {
      await world.post("scenario", order());
    } catch (error) {
      said.className = "said bad";
      said.textContent = error.message;
    }
  };
  const button = (label, order) => h("button", { type: "button", class: "do", onclick: ask(order) }, label);
  const start = button("Start", () => ({ do: "start", file: select.value }));
  const pause = button("Pause", () => ({ do: pause.dataset.paused === "yes" ? "resume" : "pause" }));
  const stop = button("Stop", () => ({ do: "stop" }));
  const enable = (one, able) => {
    if (one.disabled === able) one.disabled = !able;
  };
  const text = h("pre", { tabindex: 0, role: "region", "aria-label": "The scenario" });
  const keep = h("a", { class: "download", download: "session.yaml" }, "Download it");
  const saved = h("div", { class: "saved", hidden: true }, h("p", { class: "note" }, "What was done to this world, as a scenario to be put beside its topology."), text, keep);
  const save = h("button", { type: "button", class: "do", onclick: async () => {
    try {
      text.textContent = (await world.post("save_scenario")).text;
      keep.href = `data:application/yaml,${encodeURIComponent(text.textContent)}`;
      saved.hidden = false;
      said.textContent = "";
    } catch (error) {
      said.className = "said bad";
      said.textContent = error.message;
    }
  } }, "Save what was done…");
  const describe = (play) => {
    if (!play) return "No scenario has been played.";
    if (play.load_only) return play.runs ? `${play.name}: its load, without its faults and without end` : `${play.name}: its load has ended`;
    const where = play.runs ? `${words.seconds(play.at_s)} of ${words.tick(play.duration_s)}${play.paused ? ", paused: no fault is done, the load goes on" : play.next ? `, next: ${play.next}` : ""}` : "over";
    return `${play.name}: ${where}`;
  };
  const update = ({ play }) => {
    const runs = Boolean(play?.runs);
    say(what, describe(play));
    enable(start, !runs && select.options.length > 0);
    enable(stop, runs);
    enable(pause, runs && !play.load_only);
    pause.dataset.paused = play?.paused ? "yes" : "no";
    say(pause, play?.paused && runs ? "Resume" : "Pause");
    bar.hidden = !runs || play.load_only;
    if (!bar.hidden) bar.value = play.at_s / play.duration_s;
    if (play) say(outcome, verdict(play));
  };
  world.post("scenarios").then((found) => {
    select.replaceChildren(...found.map(({ file, name }) => h("option", { value: file }, name)));
  }, (error) => { said.textContent = error.message; });
  const element = h("section", { class: "card play", "aria-labelledby": "play" },
    h("h2", { id: "play" }, "Play a scenario"),
    h("label", { class: "unseen", for: "scenario" }, "Scenario"),
    h("div", { class: "play-row" }, select, start, pause, stop),
    what, bar, outcome, h("div", null, save), said, saved);
  return { element, update };
};

export { player };
