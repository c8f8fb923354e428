// A lane for each client on a canvas: connected to which region, unanswered, cut off, resumed.
//
// lanes = [{starts, states, end, marks: [[cell, forgot]]}] in drawing order (see instants.js);
// layout = {gutter, width, duration, cell_s, tops: [y of each lane], tall}.
import { regionFill } from "../../../page/assets/palette.js";
import { scaleOf } from "./bands.js";
import { instants } from "./instants.js";

const SERVED_ALPHA = 0.62, UNANSWERED_ALPHA = 0.2;

/** Give a canvas its size in real pixels and a brush that counts in CSS pixels. */
const brushOf = (canvas, width, height) => {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const brush = canvas.getContext("2d");
  brush.setTransform(ratio, 0, 0, ratio, 0, 0);
  return brush;
};

/** What paints one run of a lane; patterns are made once for each region. */
const painter = (brush, colours) => {
  const fills = new Map();
  const fillOf = (index, alpha) => {
    const key = `${index} ${alpha}`;
    if (!fills.has(key)) fills.set(key, regionFill(brush, colours, index, alpha));
    return fills.get(key);
  };
  const stripe = (left, top, wide, tall, colour, thickness, dash) => {
    const thick = Math.min(thickness, Math.max(1, tall / 2));
    brush.fillStyle = colour;
    if (!dash) {
      brush.fillRect(left, top + (tall - thick) / 2, wide, thick);
      return;
    }
    for (let x = Math.ceil(left / dash) * dash; x < left + wide; x += dash) {
      brush.fillRect(x, top + (tall - thick) / 2, Math.min(dash / 2, left + wide - x), thick);
    }
  };
  return (state, left, top, wide, tall) => {
    const { name, region } = instants.meaning(state);
    if (name === "connected") {
      brush.fillStyle = fillOf(region, SERVED_ALPHA);
      brush.fillRect(left, top, wide, tall);
    } else if (name === "unanswered") {
      brush.fillStyle = fillOf(region, UNANSWERED_ALPHA);
      brush.fillRect(left, top, wide, tall);
      stripe(left, top, wide, tall, colours.cut, 1.5, 6);
    } else if (name === "cut off") {
      brush.globalAlpha = 0.13;
      brush.fillStyle = colours.cut;
      brush.fillRect(left, top, wide, tall);
      brush.globalAlpha = 1;
      stripe(left, top, wide, tall, colours.cut, 1.5, 0);
    } else if (name === "connecting") {
      stripe(left, top, wide, tall, colours.muted, 1, 4);
    }
  };
};

/** A session taken up again: a small triangle; one that was forgotten: a cross. */
const drawMark = (brush, colours, x, top, tall, forgot) => {
  const size = Math.max(2.5, Math.min(4.5, tall / 2));
  const y = top + tall / 2;
  brush.beginPath();
  if (forgot) {
    brush.strokeStyle = colours.cut;
    brush.lineWidth = 2;
    brush.moveTo(x - size, y - size);
    brush.lineTo(x + size, y + size);
    brush.moveTo(x + size, y - size);
    brush.lineTo(x - size, y + size);
    brush.stroke();
    return;
  }
  brush.fillStyle = colours.ink;
  brush.moveTo(x, y - size);
  brush.lineTo(x + size * 1.3, y);
  brush.lineTo(x, y + size);
  brush.fill();
};

const drawLanes = (canvas, lanes, layout, colours) => {
  const brush = brushOf(canvas, layout.width, layout.tall);
  const x = scaleOf(layout);
  const paint = painter(brush, colours);
  lanes.forEach((lane, k) => {
    const top = layout.tops[k];
    lane.starts.forEach((start, run) => {
      const end = run + 1 < lane.starts.length ? lane.starts[run + 1] : lane.end;
      const left = x(start * layout.cell_s);
      const right = Math.min(layout.width, x(end * layout.cell_s));
      paint(lane.states[run], left, top, Math.max(right - left, 0.75), layout.laneTall);
    });
  });
  lanes.forEach((lane, k) => {
    for (const [cell, forgot] of lane.marks) {
      drawMark(brush, colours, x(cell * layout.cell_s), layout.tops[k], layout.laneTall, forgot);
    }
  });
};

/** A small picture of one state, or of a mark, for the legend. */
const drawSwatch = (canvas, what, colours) => {
  const brush = brushOf(canvas, 26, 12);
  if (what === "resumed" || what === "forgot") drawMark(brush, colours, 11, 0, 12, what === "forgot");
  else painter(brush, colours)(what, 0, 0, 26, 12);
};

/** Where lanes go: by group, each under the other, as tall as there is room for. */
const laneLayout = (groups, scale, cell_s) => {
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  const laneTall = Math.max(1.5, Math.min(10, 460 / Math.max(1, total)));
  const gap = laneTall >= 5 ? 1.5 : laneTall >= 3 ? 0.5 : 0;
  const tops = [], heads = [];
  let y = 0;
  for (const group of groups) {
    heads.push(y);
    for (let k = 0; k < group.length; k += 1) {
      tops.push(y);
      y += laneTall + gap;
    }
    y = Math.max(y, heads.at(-1) + 34) + 10;
  }
  return { ...scale, cell_s, laneTall, tops, heads, tall: Math.max(1, y - 10) };
};

export { drawLanes, drawSwatch, laneLayout };
