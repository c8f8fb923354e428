// The live page: puts its parts together, and shows them each frame that the world sends.
import { h, table } from "../../page/assets/elements.js";
import { strokeDefinitions } from "../../page/assets/palette.js";
import { words } from "../../page/assets/words.js";
import { actions as actionsPart } from "./actions.js";
import { liveCharts } from "./charts.js";
import { world as server } from "./client.js";
import { machines } from "./details.js";
import { dnsTable, linkTable, liveMap, locationTable, regionTable } from "./places.js";
import { player } from "./player.js";
import { liveStory } from "./story.js";
import { say } from "./table.js";
import { tiles } from "./tiles.js";

const STATES = { live: "live", lost: "connection lost, trying again", ended: "the world has ended, or does not know this browser any more" };

const head = (portrait, heal) => {
  const state = h("span", { class: "state", role: "status" }), clock = h("output", { class: "clock", "aria-label": "Simulated seconds since the world came up" });
  const facts = [portrait.hostname, portrait.mode, `${portrait.runtime} runtime`, `${portrait.links_by} links`, portrait.speed === 1 ? null : `${portrait.speed}× speed`].filter(Boolean);
  const element = h("header", { class: "live-head" },
    h("div", null, h("h1", null, portrait.app), h("p", { class: "sub" }, facts.join(" · "))),
    h("div", { class: "live-state" }, state, clock),
    h("button", { type: "button", class: "do main heal", onclick: heal }, "Heal everything"));
  const tell = (word) => {
    state.className = `state ${word}`;
    state.textContent = STATES[word];
  };
  return { element, tell, update: ({ t }) => { clock.textContent = words.seconds(t); } };
};

const lasting = () => {
  const list = h("p", { class: "lasting quiet" });
  const update = ({ faults }) => {
    list.classList.toggle("quiet", !faults.length);
    say(list, faults.length ? `⚡ ${faults.map(({ fault, target }) => `${fault} ${target}`).join(", ")}` : "no fault lasts");
  };
  return { element: list, update };
};

/** What somebody on call would be told now. */
const alerts = () => {
  const list = h("ul"), element = h("section", { class: "alerts", "aria-label": "Alerts" }, list);
  const update = ({ alerts: standing }) => {
    element.hidden = !standing.length;
    say(list, { key: JSON.stringify(standing), make: () => {
      const lines = document.createDocumentFragment();
      lines.append(...standing.map(({ alert, subject, since_s, reason }) => h("li", null,
        h("b", null, `${alert.replaceAll("_", " ")} ${subject}`), h("span", null, ` since ${words.seconds(since_s)}: ${reason}`))));
      return lines;
    } });
  };
  return { element, update };
};

/** How a program of one's own comes to be in a place. */
const entries = (portrait) => h("section", null, h("h2", null, "Be in a place"),
  h("p", { class: "note" }, "Whatever uses a place's proxy (HTTP and SOCKS 5) is there: it gets that place's answers from DNS and travels that place's links. ",
    h("code", null, `sim open --from ${portrait.locations[0].name}`), " starts a browser there, ",
    h("code", null, `sim exec --from ${portrait.locations[0].name} -- COMMAND`), " any program. An app takes the proxy in its settings; for a phone or another computer, forward a port of this one to it."),
  table("Proxies by location", ["place", "proxy", "for example"], portrait.locations.map(({ name, entry }) => [
    name, h("code", null, entry), h("code", null, `curl --proxy http://${entry} ${portrait.url}`)])));

const begin = (portrait) => {
  document.title = `${portrait.app}: a live world`;
  const actions = actionsPart(portrait);
  const choose = (kind, name) => {
    actions.choose(kind, name);
    document.getElementById("target").focus();
  };
  const parts = {
    head: head(portrait, () => actions.heal()), alerts: alerts(), tiles: tiles(portrait), map: liveMap(portrait), lasting: lasting(), actions, player: player(),
    story: liveStory(), locations: locationTable(portrait), regions: regionTable(portrait), dns: dnsTable(portrait),
    links: linkTable(), charts: liveCharts(portrait), machines: machines(portrait, choose),
  };
  document.getElementById("page").append(
    strokeDefinitions(),
    parts.head.element,
    h("main", null,
      h("div", { class: "top" }, parts.tiles.element, parts.alerts.element),
      h("div", { class: "stage" },
        h("section", { class: "where", "aria-labelledby": "where" }, h("div", { class: "title" }, h("h2", { id: "where" }, "Where clients are served"), parts.lasting.element), parts.map.element),
        h("div", { class: "beside" }, parts.actions.element, parts.player.element, parts.story.element),
        parts.charts.element),
      h("section", null, h("h2", null, "Locations"), parts.locations.element),
      h("section", null, h("h2", null, "Regions"), parts.regions.element),
      parts.machines.element,
      h("div", { class: "two" },
        h("section", null, h("h2", null, "DNS"), parts.dns.element),
        h("section", null, h("h2", null, "Links that are not as usual"), parts.links.element)),
      entries(portrait)),
    h("footer", null, h("p", null, `World ${portrait.world}, seed ${portrait.seed}. Times are simulated seconds since the world came up; latencies are real milliseconds, right to 2.5 %. Figures are of the last ten bins. Land outline: Natural Earth, by way of world-atlas.`)));

  let first = true;
  const take = (frame) => {
    for (const part of Object.values(parts)) part.update(frame);
    if (!first) return;
    first = false;
    document.body.dataset.ready = "yes";
  };
  const resize = () => {
    parts.map.resize();
    parts.charts.resize();
  };
  new ResizeObserver(resize).observe(document.getElementById("page"));
  server.watch(take, parts.head.tell);
};

server.get("/live/world").then(begin, (error) => {
  document.getElementById("page").append(h("p", { class: "bad" }, error.message));
});
