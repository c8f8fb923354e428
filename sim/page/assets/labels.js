// Where labels go so that they hide neither each other nor a place. Pure.
const overlap = (a, b) =>
  Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y));

const MANY = 40, COVERED = 0.35; // of so many labels: the share of a label that may lie over something else

/**
 * Boxes for labels: each {x, y, radius, width, height} gets one of the sides of its point, that
 * which overlaps least with what is there: points, arcs (as points along them), earlier labels.
 * Gives [{x, y, anchor}], the box's left top corner; null for one that finds no room, where there
 * are so many labels that no map could show them all.
 */
const placed = (labels, arcPoints, width, height) => {
  const crowded = labels.length > MANY;
  const around = (x, y, radius) => ({ x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius });
  const taken = [
    ...labels.map(({ x, y, radius }) => around(x, y, radius)),
    ...arcPoints.map(([x, y]) => around(x, y, 3))];
  return labels.map((label) => {
    const { x, y, radius, width: w, height: tall } = label;
    const gap = radius + 5;
    const candidates = [
      { x: x + gap, y: y - tall / 2, anchor: "start" },
      { x: x - gap - w, y: y - tall / 2, anchor: "end" },
      { x: x - w / 2, y: y - gap - tall, anchor: "middle" },
      { x: x - w / 2, y: y + gap, anchor: "middle" },
      { x: x + gap * 0.7, y: y + gap * 0.7, anchor: "start" },
      { x: x - gap * 0.7 - w, y: y + gap * 0.7, anchor: "end" },
      { x: x + gap * 0.7, y: y - gap * 0.7 - tall, anchor: "start" },
      { x: x - gap * 0.7 - w, y: y - gap * 0.7 - tall, anchor: "end" },
    ];
    const cost = (box) => {
      const own = { ...box, width: w, height: tall };
      const inside = overlap(own, { x: 4, y: 4, width: width - 8, height: height - 8 });
      return 4 * (w * tall - inside) + taken.reduce((sum, other) => sum + overlap(own, other), 0);
    };
    let best = candidates[0], least = Infinity;
    for (const candidate of candidates) {
      const found = cost(candidate);
      if (found < least - 1e-6) [best, least] = [candidate, found];
    }
    if (crowded && least > COVERED * w * tall) return null;
    taken.push({ x: best.x, y: best.y, width: w, height: tall });
    return best;
  });
};

export const labels = { placed };
