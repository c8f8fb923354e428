// From degrees to a picture: Mercator, turned so that no two places are torn apart, and fitted.
const STEPS_PER_DEGREE = 20, TURN = 360 * STEPS_PER_DEGREE;
const OVERHANG = 20; // degrees by which a coast reaches beyond the date line
const LEAST_SPAN = 40; // degrees: nearer, the outline would show its corners
const NORTH = 78, SOUTH = -58;

const mercator = (lat) => {
  const clamped = Math.max(-85, Math.min(85, lat)) * (Math.PI / 180);
  return (Math.log(Math.tan(Math.PI / 4 + clamped / 2)) * 180) / Math.PI;
};

/** The longitude opposite to the middle of the widest gap between places. */
const centre = (longitudes) => {
  const sorted = [...longitudes].sort((a, b) => a - b);
  let widest = -1, middle = 0;
  sorted.forEach((lon, k) => {
    const next = k + 1 < sorted.length ? sorted[k + 1] : sorted[0] + 360;
    if (next - lon > widest) {
      widest = next - lon;
      middle = (next + lon) / 2;
    }
  });
  return middle - 180;
};

/**
 * Where points of [lat, lon] lie in a picture of that size, with all `places` inside its margin.
 * `turn` brings a longitude within half a turn of the picture's middle.
 */
const fitted = (places, width, height, margin) => {
  const middle = centre(places.map(([, lon]) => lon));
  const turn = (lon) => middle + ((((lon - middle + 180) % 360) + 360) % 360) - 180;
  const xs = places.map(([, lon]) => turn(lon));
  const ys = places.map(([lat]) => mercator(lat));
  const span = (values, least) => {
    const low = Math.min(...values), high = Math.max(...values);
    const wide = Math.max(high - low, least);
    return { middle: (low + high) / 2, wide };
  };
  const across = span(xs, LEAST_SPAN), up = span(ys, (LEAST_SPAN * height) / width);
  const scale = Math.max(
    Math.min((width - 2 * margin) / across.wide, (height - 2 * margin) / up.wide),
    width / 360,
  );
  // As far as there is world, the picture shows world.
  const half = height / 2 / scale;
  const y = Math.min(Math.max(up.middle, mercator(SOUTH) + half), mercator(NORTH) - half);
  const at = (lat, lon) => [
    width / 2 + (lon - across.middle) * scale,
    height / 2 - (mercator(lat) - y) * scale,
  ];
  return { project: ([lat, lon]) => at(lat, turn(lon)), raw: at, scale, middle: across.middle };
};

/** The land as one path, drawn in each turn of the globe that the picture touches. */
const landPath = (land, view, width) => {
  const parts = [];
  const reach = width / 2 / view.scale;
  for (const shift of [-360, 0, 360]) {
    if (Math.abs(shift - view.middle) - 180 - OVERHANG > reach) continue;
    for (const ring of land) {
      let x = 0, y = 0, path = "";
      for (let k = 0; k < ring.length; k += 2) {
        // A coast goes on across the date line, though its longitudes jump there.
        x += k && Math.abs(ring[k]) > TURN / 2 ? ring[k] - Math.sign(ring[k]) * TURN : ring[k];
        y += ring[k + 1];
        const [px, py] = view.raw(y / STEPS_PER_DEGREE, x / STEPS_PER_DEGREE + shift);
        path += `${k ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`;
      }
      parts.push(`${path}Z`);
    }
  }
  return parts.join("");
};

/** An arc between two points of a picture, bent to the north. */
const arc = ([x, y], [toX, toY], bend = 0.2) => {
  const length = Math.hypot(toX - x, toY - y);
  const sign = toX >= x ? 1 : -1;
  const cx = (x + toX) / 2 + ((toY - y) * bend * sign), cy = (y + toY) / 2 - Math.abs(toX - x) * bend - (length < 60 ? 8 : 0);
  return {
    path: `M${x.toFixed(1)} ${y.toFixed(1)}Q${cx.toFixed(1)} ${cy.toFixed(1)} ${toX.toFixed(1)} ${toY.toFixed(1)}`,
    /** The point at a share of the way. */
    along: (u) => [(1 - u) ** 2 * x + 2 * u * (1 - u) * cx + u * u * toX, (1 - u) ** 2 * y + 2 * u * (1 - u) * cy + u * u * toY],
  };
};

export const projection = { fitted, landPath, arc };
