// What nobody asked for: machines that died, what the driver raised, and the errors of clients.
import { h, longTable } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const instant = (t) => h("a", { href: `#t=${t.toFixed(1)}` }, words.seconds(t));

const titled = (title, columns, rows) => (rows.length ? [h("h3", null, title), longTable(title, columns, rows)] : []);

const error = (row) => [row.location, row.region ?? "none", words.integer(row.count), row.reason];

const mishaps = ({ deaths, driver_errors: raised, frequent_errors: errors }) => (deaths.length || raised.length || errors.length
  ? h("section", null,
    h("h2", null, "Deaths and errors"),
    titled("Machines that died by themselves", ["#at", "machine", "region", "how", "its last lines"],
      deaths.map((row) => [instant(row.at_s), row.machine, row.region, row.exit, h("pre", null, row.last_lines.join("\n"))])),
    titled("What the driver raised, which says nothing of the gateway", ["file", "#line", "#times", "error"],
      raised.map((row) => [row.file, row.line ?? "–", words.integer(row.count), row.error])),
    titled("The most frequent errors", ["location", "region", "#times", "why"],
      errors.filter((row) => !row.fault).map(error)),
    titled("Errors where a fault stood in the way", ["location", "region", "#times", "why", "during"],
      errors.filter((row) => row.fault).map((row) => [...error(row), row.fault])))
  : null);

export { mishaps };
