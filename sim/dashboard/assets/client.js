// What the page asks of the world, and the frames that it is sent. The cookie that lets it in is
// none of its business: the browser adds it, and no script can read it.
const answer = async (response) => {
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(data.error ?? `the world answered ${response.status}`);
  return data;
};

/** What the world tells at a path. */
const get = async (path) => answer(await fetch(path));

/** Have the world do something. Throws an Error that says why it did not. */
const post = async (verb, body = {}) =>
  answer(await fetch(`/${verb}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));

/** Call `take` with each frame; `tell` hears whether the world is there: live, lost or ended. */
const watch = (take, tell) => {
  const source = new EventSource("/live/frames");
  source.onopen = () => tell("live");
  source.onerror = () => tell(source.readyState === EventSource.CLOSED ? "ended" : "lost");
  source.onmessage = ({ data }) => take(JSON.parse(data));
};

export const world = { get, post, watch };
