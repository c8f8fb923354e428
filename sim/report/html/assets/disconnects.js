// The connections that ended before the load did, and who ended them.
import { h, longTable } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const disconnects = (model) => (model.disconnects.length
  ? h("section", null,
    h("h2", null, "Connections that ended before the load did"),
    longTable("Connections that ended before the load did, and who ended them",
      ["location", "region", "ended by", "code", "reason", "#ended", "#messages left unanswered"],
      model.disconnects.map((row) => [row.location, row.region, row.by, row.code, row.reason || "–", words.integer(row.count), words.integer(row.unanswered)])))
  : null);

export { disconnects };
