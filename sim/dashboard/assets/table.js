// Tables that change in place: only what is new is touched, so that focus, selection and a screen
// reader's place stay where they are.
import { h, table } from "../../page/assets/elements.js";

/** Make an element say this: text, or `{key, make}`, which is made again when its key changes. */
const say = (element, value) => {
  const rich = value !== null && typeof value === "object";
  const key = rich ? `#${value.key}` : String(value ?? "–");
  if (element.dataset.said === key) return;
  element.dataset.said = key;
  element.replaceChildren(rich ? value.make() : key);
};

/** Columns as in `table`; `update` takes rows as `{key, cells}`. The first cell is a heading. */
const liveTable = (caption, columns) => {
  const body = h("tbody");
  const element = table(caption, columns, []);
  element.querySelector("tbody").replaceWith(body);
  const kept = new Map();
  const make = (cells) => h("tr", null, cells.map((_, k) =>
    h(k === 0 ? "th" : "td", { scope: k === 0 ? "row" : null, class: columns[k].startsWith("#") ? "figure" : null })));
  const update = (rows) => {
    const keys = new Set(rows.map((row) => row.key));
    for (const [key, row] of kept) {
      if (keys.has(key)) continue;
      row.remove();
      kept.delete(key);
    }
    rows.forEach(({ key, cells }, at) => {
      if (!kept.has(key)) kept.set(key, make(cells));
      const row = kept.get(key);
      if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
      cells.forEach((value, k) => say(row.children[k], value));
    });
  };
  return { element, update };
};

export { liveTable, say };
