// Numbers and times in words, the same everywhere.
const whole = new Intl.NumberFormat("en");

const count = (number, noun) => `${whole.format(number)} ${noun}${number === 1 ? "" : "s"}`;
const integer = (number) => whole.format(number);
const seconds = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(1)} s`);
const ms = (value) => (value === null || value === undefined ? "–" : value.toFixed(1));

/** Seconds as an axis has them: `90 s`, or `3 min` where that is whole. */
const tick = (value) => (value >= 180 && value % 60 === 0 ? `${value / 60} min` : `${+value.toFixed(1)} s`);

const bytes = (value) => {
  let unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    unit += 1;
  }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
};

/** Round steps for an axis of that length: at most so many. */
const steps = (length, most) => {
  const wide = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200];
  const step = wide.find((width) => length / width <= most) ?? length / most;
  return Array.from({ length: Math.floor(length / step + 1e-9) + 1 }, (_, k) => k * step);
};

/** A round number at least as large, for the top of a scale. */
const ceiling = (value) => {
  if (!(value > 0)) return 1;
  const magnitude = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((m) => m * magnitude >= value) * magnitude;
};

export const words = { count, integer, seconds, ms, tick, bytes, steps, ceiling };
