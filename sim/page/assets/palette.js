// Colours for canvases, read from the style sheet, and the patterns that stand beside each colour.
import { s as svg } from "./elements.js";

const REGION_COLOURS = 6;

const palette = (root = document.documentElement) => {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ink: read("--ink"),
    muted: read("--muted"),
    line: read("--line"),
    card: read("--card"),
    cut: read("--cut"),
    regions: Array.from({ length: REGION_COLOURS }, (_, k) => read(`--region-${k}`)),
  };
};

const regionClass = (index) => `region-${((index % REGION_COLOURS) + REGION_COLOURS) % REGION_COLOURS}`;

// Strokes on a tile of 6 by 6, one pattern a region: colour is never the only difference.
const STROKES = [
  [],
  [[0, 6, 6, 0]],
  [[0, 3, 6, 3]],
  [[0, 0, 6, 6]],
  [[3, 0, 3, 6]],
  [[0, 3, 6, 3], [3, 0, 3, 6]],
];

/** The fill of a region on a canvas: its colour, with its strokes in the ground's colour. */
const regionFill = (context, colours, index, alpha) => {
  const tile = document.createElement("canvas");
  const size = 6 * (globalThis.devicePixelRatio || 1);
  tile.width = tile.height = Math.round(size);
  const brush = tile.getContext("2d");
  brush.scale(tile.width / 6, tile.height / 6);
  brush.fillStyle = colours.card;
  brush.fillRect(0, 0, 6, 6);
  brush.globalAlpha = alpha;
  brush.fillStyle = colours.regions[index % REGION_COLOURS];
  brush.fillRect(0, 0, 6, 6);
  brush.globalAlpha = 0.75;
  brush.strokeStyle = colours.card;
  brush.lineWidth = 1;
  brush.beginPath();
  for (const [x, y, toX, toY] of STROKES[index % REGION_COLOURS]) {
    for (const shift of x === y || x + y === 6 ? [-6, 0, 6] : [0]) {
      brush.moveTo(x + shift, y);
      brush.lineTo(toX + shift, toY);
    }
  }
  brush.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(6 / tile.width, 6 / tile.height));
  return pattern;
};

/** The same strokes for SVG, to be put into a page once: `url(#strokes-1)` and so on. */
const strokeDefinitions = () =>
  svg("svg", { width: 0, height: 0, class: "unseen", "aria-hidden": "true" }, svg("defs", null, STROKES.map((strokes, k) =>
    svg("pattern", { id: `strokes-${k}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, strokes.flatMap(([x, y, toX, toY]) =>
      (x === y || x + y === 6 ? [-6, 0, 6] : [0]).map((shift) =>
        svg("path", { class: "strokes", d: `M${x + shift} ${y}L${toX + shift} ${toY}` })))))));

/** The strokes of a region's class, as the fill that lies over its colour. */
const strokesOf = (kind) => (kind.startsWith("region-") ? `url(#strokes-${kind.slice(7, 8)})` : null);

export { palette, regionClass, regionFill, strokeDefinitions, strokesOf };
