// The instant that the page shows: one value, who wants to know of it, and the bar that moves it.
import { h, s } from "../../../page/assets/elements.js";
import { words } from "../../../page/assets/words.js";

const PLAY_REAL_S = 24; // a run takes so long when played
const HASH = /^#t=(\d+(?:\.\d+)?)$/;

/** The instant of a link such as `report.html#t=34.5`, or null. */
const linked = () => {
  const found = HASH.exec(location.hash);
  return found ? Number(found[1]) : null;
};

/** An instant in [0, duration] to a tenth of a second; `subscribe` hears of each change. */
const makeTime = (duration, start) => {
  const listeners = [];
  const bound = (t) => Math.min(duration, Math.max(0, Math.round(t * 10) / 10));
  let now = bound(start), drawing = false;
  const tell = () => {
    drawing = false;
    for (const listener of listeners) listener(now);
  };
  return {
    duration,
    get now() { return now; },
    set(t) {
      const next = bound(t);
      if (next === now) return;
      now = next;
      if (drawing) return;
      drawing = true;
      requestAnimationFrame(tell);
    },
    subscribe(listener) {
      listeners.push(listener);
      listener(now);
    },
  };
};

/** The address bar follows the instant, a moment after it came to rest: browsers ration this. */
const followAddress = (time) => {
  let waiting = 0, first = true;
  addEventListener("hashchange", () => {
    const t = linked();
    if (t !== null) time.set(t);
  });
  time.subscribe((t) => {
    clearTimeout(waiting);
    if (!first) waiting = setTimeout(() => history.replaceState(null, "", `#t=${t.toFixed(1)}`), 250);
    first = false;
  });
};

const SIGNS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  back: "M3 3h2v10H3zM13 3v10L5.5 8z",
  on: "M11 3h2v10h-2zM3 3v10l7.5-5z",
};
const sign = (name) => s("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, s("path", { d: SIGNS[name], fill: "currentColor" }));

/** A button that lets time pass. */
const playButton = (time) => {
  const step = (real) => {
    if (!playing) return;
    const t = from + ((real - began) / 1000) * (time.duration / PLAY_REAL_S);
    time.set(t);
    if (t >= time.duration) stop();
    else requestAnimationFrame(step);
  };
  let playing = false, began = 0, from = 0;
  const show = () => {
    button.replaceChildren(sign(playing ? "pause" : "play"));
    button.setAttribute("aria-label", playing ? "Pause" : "Play the run");
  };
  const stop = () => {
    playing = false;
    show();
  };
  const button = h("button", { type: "button", class: "round", onclick: () => {
    playing = !playing;
    began = performance.now();
    from = time.now >= time.duration ? 0 : time.now;
    show();
    if (playing) requestAnimationFrame(step);
  } });
  show();
  return { button, stop };
};

/** How many clients were not served, as a small hill over the slider. */
const hill = (unserved, most) => {
  const points = unserved.map((n, k) => `L${k} ${(20 - (20 * n) / most).toFixed(2)}`).join("");
  return s("svg", { class: "hill", viewBox: `0 0 ${Math.max(1, unserved.length - 1)} 20`, preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { d: `M0 20${points}V20Z` }));
};

/** The bar: back and on to what happened next, play, the slider, and a link to this instant. */
const timeBar = (time, { events, unserved, clients, describe }) => {
  const play = playButton(time);
  const jump = (t) => {
    play.stop();
    if (t !== undefined) time.set(t);
  };
  const slider = h("input", { type: "range", id: "instant", min: 0, max: time.duration, step: 0.1, "aria-label": "Instant of the run, in simulated seconds",
    oninput: () => jump(Number(slider.value)) });
  const link = h("a", { class: "link" }, "link");
  const clock = h("output", { class: "clock", for: "instant" });
  const said = h("p", { class: "said" });
  const bar = h("nav", { class: "time", "aria-label": "Time" },
    h("div", { class: "time-row" },
      h("button", { type: "button", class: "round", "aria-label": "Back to the event before", onclick: () => jump(events.findLast((t) => t < time.now - 0.05)) }, sign("back")),
      play.button,
      h("button", { type: "button", class: "round", "aria-label": "On to the next event", onclick: () => jump(events.find((t) => t > time.now + 0.05)) }, sign("on")),
      h("div", { class: "slide" }, hill(unserved, Math.max(1, clients)), slider),
      clock, link),
    said);
  time.subscribe((t) => {
    slider.value = t;
    const text = describe(t);
    slider.setAttribute("aria-valuetext", `${words.seconds(t)}: ${text}`);
    clock.textContent = words.seconds(t);
    link.href = `#t=${t.toFixed(1)}`;
    link.setAttribute("aria-label", `Link to this instant, ${words.seconds(t)}`);
    said.textContent = text;
  });
  return bar;
};

export { followAddress, linked, makeTime, timeBar };
