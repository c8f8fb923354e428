// Elements made from plain values. Text always enters as text: nothing here parses markup.
const SVG = "http://www.w3.org/2000/svg";

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
};

/** An HTML element. Attributes that are null or false are left out; `onclick` etc. listen. */
const h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);

/** An SVG element, in the same way. */
const s = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

/** An icon of the page, which says nothing to a screen reader: words stand beside it. */
const icon = (text, kind) => h("span", { class: `icon ${kind ?? ""}`, "aria-hidden": "true" }, text);

/**
 * A table. Columns are names, those of figures with a leading "#"; `rows` are arrays of text,
 * numbers or elements. The first cell of a row is its heading.
 */
const table = (caption, columns, rows) => {
  const cell = (value, k) =>
    h(k === 0 ? "th" : "td", { scope: k === 0 ? "row" : null, class: columns[k].startsWith("#") ? "figure" : null },
      value ?? "–");
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", null,
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, columns.map((name) =>
        h("th", { scope: "col", class: name.startsWith("#") ? "figure" : null }, name.replace(/^#/, ""))))),
      h("tbody", null, rows.map((row) => h("tr", null, row.map(cell))))));
};

const CHUNK = 100;

/** A long table, a hundred rows at a time, with a button for the next hundred. */
const longTable = (caption, columns, rows) => {
  const shown = table(caption, columns, rows.slice(0, CHUNK));
  if (rows.length <= CHUNK) return shown;
  let next = CHUNK;
  const label = () => `Show ${Math.min(CHUNK, rows.length - next)} more of ${rows.length}`;
  const more = h("button", { type: "button", class: "more", onclick: () => {
    const body = shown.querySelector("tbody");
    body.append(...table(caption, columns, rows.slice(next, next + CHUNK)).querySelectorAll("tbody tr"));
    next += CHUNK;
    if (next >= rows.length) more.remove();
    else more.textContent = label();
  } }, label());
  return h("div", null, shown, more);
};

/**
 * The text of a picture, folded away: `make` builds it each time that it is opened. `refresh`
 * builds it again while it is open.
 */
const asTable = (title, make) => {
  const place = h("div");
  const fold = h("details", { class: "as-table" }, h("summary", null, title), place);
  const refresh = () => fold.open && place.replaceChildren(make());
  fold.addEventListener("toggle", refresh);
  return Object.assign(fold, { refresh });
};

export { asTable, h, icon, longTable, s, table };
