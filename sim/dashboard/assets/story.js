// What happens, line by line, the newest first.
import { h } from "../../page/assets/elements.js";
import { words } from "../../page/assets/words.js";

const MOST = 150;

const liveStory = () => {
  const list = h("ol");
  const box = h("div", { class: "lines", role: "log", tabindex: 0, "aria-label": "What happens, the newest first" }, list);
  const update = ({ news }) => {
    for (const [, t, text] of news.lines) {
      list.prepend(h("li", null, h("time", null, words.seconds(t)), h("span", null, text)));
    }
    while (list.children.length > MOST) list.lastChild.remove();
  };
  return { element: h("section", { class: "card story-card", "aria-labelledby": "happens" }, h("h2", { id: "happens" }, "What happens"), box), update };
};

export { liveStory };
