// What can be done to the world: one button for each fault there is, for whatever is chosen.
// The faults, their targets and parameters come from the simulator's own vocabulary.
import { h } from "../../page/assets/elements.js";
import { world as server } from "./client.js";

const KINDS = { region: "Regions", machine: "Machines", location: "Locations", link: "Links", service: "Services" };
const EVERYTHING = "everything";

/** What there is to choose: [kind, [[value, label]]]. */
const choices = (portrait, frame) => {
  const named = (names) => names.map((name) => [JSON.stringify(name), name]);
  return [
    ["region", named(portrait.regions.map(({ code }) => code))],
    ["machine", named(frame.regions.flatMap(({ machines }) => machines.map(({ name }) => name)))],
    ["location", named(portrait.locations.map(({ name }) => name))],
    ["link", portrait.links.map((pair) => [JSON.stringify(pair), pair.join(" : ")])],
    ["service", named(Object.keys(portrait.services))],
  ].filter(([, entries]) => entries.length);
};

const targetChoice = (portrait, onchange) => {
  const select = h("select", { id: "target", onchange });
  let shown = "";
  const update = (frame) => {
    const groups = choices(portrait, frame), key = JSON.stringify(groups);
    if (key === shown) return;
    shown = key;
    const before = select.value;
    select.replaceChildren(
      ...groups.map(([kind, entries]) => h("optgroup", { label: KINDS[kind] }, entries.map(([value, label]) =>
        h("option", { value: `${kind} ${value}` }, label)))),
      h("option", { value: EVERYTHING }, "everything"));
    if (before) select.value = before;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
    onchange();
  };
  const choose = (kind, name) => {
    select.value = `${kind} ${JSON.stringify(name)}`;
    onchange();
  };
  const chosen = () => {
    if (select.value === EVERYTHING) return { kind: null, body: {}, label: EVERYTHING };
    const at = select.value.indexOf(" "), kind = select.value.slice(0, at);
    return { kind, body: { [kind]: JSON.parse(select.value.slice(at + 1)) }, label: select.selectedOptions[0]?.label ?? "" };
  };
  return { select, update, choose, chosen };
};

const pairs = (text) => Object.fromEntries(text.split(/[\s,]+/).filter(Boolean).map((pair) => {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
}));

/** What a parameter's text means to the world. */
const meant = (kind, text) => ({ number: Number, mapping: pairs, text: String })[kind](text);
const written = (example) => (example !== null && typeof example === "object" ? Object.entries(example).map((pair) => pair.join("=")).join(" ") : example ?? "");

const field = (fault, { key, required, choices: words, example, kind, default: usual }) => {
  const number = kind === "number";
  const id = `${fault}-${key}`;
  const input = words.length
    ? h("select", { id, name: key, required }, required ? null : h("option", { value: "" }, usual ?? "–"), words.map((word) => h("option", null, word)))
    : h("input", { id, name: key, required, type: number ? "number" : "text", min: number ? 0 : null, placeholder: written(example), autocomplete: "off", spellcheck: "false", size: 10 });
  return h("label", { for: id }, `${key}${required ? "" : " (optional)"}`, input);
};

const actions = (portrait) => {
  const said = h("p", { class: "said", role: "status" });
  const breaks = h("div", { class: "buttons" }), repairs = h("div", { class: "buttons" });
  const place = h("div");
  let busy = 0;

  const act = async (fault, body, label) => {
    busy += 1;
    said.className = "said";
    said.textContent = `${fault} ${label}…`;
    try {
      await server.post("fault", { fault, ...body });
      said.textContent = `${fault} ${label}: done`;
    } catch (error) {
      said.className = "said bad";
      said.textContent = `${fault} ${label}: ${error.message}`;
    }
    busy -= 1;
  };

  const open = (form, button) => {
    const { body, label } = target.chosen();
    const shown = h("form", { class: "params", onsubmit: (event) => {
      event.preventDefault();
      const params = {};
      for (const { key, kind } of form.params) {
        const value = shown.elements[key].value.trim();
        if (value !== "") params[key] = meant(kind, value);
      }
      act(form.fault, { ...body, ...params }, label);
      place.replaceChildren();
      button.focus();
    } },
    form.params.map((param) => field(form.fault, param)),
    h("span", { class: "form-buttons" },
      h("button", { type: "submit", class: "do main" }, `${form.fault} ${label}`),
      h("button", { type: "button", class: "do", onclick: () => { place.replaceChildren(); button.focus(); } }, "Cancel")));
    place.replaceChildren(shown);
    shown.querySelector("input, select").focus();
  };

  const button = (form) => {
    const found = h("button", { type: "button", class: `do${form.repair ? " repair" : ""}`, "data-fault": form.fault, onclick: () => {
      if (form.params.length) {
        open(form, found);
        return;
      }
      place.replaceChildren();
      const { body, label } = target.chosen();
      act(form.fault, body, label);
    } }, `${form.fault.replaceAll("_", " ")}${form.params.length ? "…" : ""}`);
    return found;
  };

  const offer = () => {
    const { kind } = target.chosen();
    const fits = portrait.forms.filter((form) => (kind ? form.targets.includes(kind) : form.everything));
    place.replaceChildren();
    breaks.replaceChildren(...fits.filter((form) => !form.repair).map(button));
    repairs.replaceChildren(...fits.filter((form) => form.repair).map(button));
  };

  const target = targetChoice(portrait, () => offer());
  const element = h("section", { class: "card act", "aria-labelledby": "act" },
    h("h2", { id: "act" }, "Do something to"),
    h("label", { class: "unseen", for: "target" }, "Do something to"),
    target.select, breaks, repairs, place, said);
  return { element, update: target.update, choose: target.choose, heal: () => act("heal", {}, EVERYTHING), idle: () => busy === 0 };
};

export { actions };
