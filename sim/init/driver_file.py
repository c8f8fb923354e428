"""The text of a first driver: how the clients of a scenario talk to this gateway."""

from __future__ import annotations

from dataclasses import dataclass

from sim.init.repository import Repository
from sim.init.topology_file import reference

_ENGINE_IO = "/socket.io/?EIO=4&transport=polling"
_HTTP = """\
# How clients talk to the gateway: a GET every turn.
{why}# Keys: docs/driver-keys.md. `sim driver {file} --against URL` tries it on a gateway that runs.
http: {path}
"""
_SOCKETIO = """\
# How clients talk to the gateway: socket.io, and the event `{event}`, which {by} acknowledges.
# Correct what the event carries. Keys: docs/driver-keys.md.
# `sim driver {file} --against URL` tries it on a gateway that runs.
websocket: /socket.io/?EIO=4&transport=websocket
hello:
  - wait: '^0\\{{'
  - send: '40'
  - wait: '^40\\{{'
send: '42{{seq}}["{event}","{{payload}}"]'
ack: '^43(?P<sequence>[0-9]+)'
answer: [{{match: '^2$', send: '3'}}]
"""


@dataclass(frozen=True)
class DriverFile:
    """A driver's text, and in a few words what clients do. Without a text: a built-in driver.

    `left_open` is what it does not speak yet.
    """

    text: str | None
    means: str
    left_open: str | None = None


def driver_file(found: Repository, name: str) -> DriverFile:
    """What can be known of the protocol without listening to it. `name` is the file's."""
    if reference(found):
        return DriverFile(None, "clients speak the reference gateway's protocol")
    if (event := found.first("event")) and any(found.all("socketio")):
        text = _SOCKETIO.format(event=event.value, by=event.by, file=name)
        means = f"clients emit `{event.value}` over socket.io, as {event.by} has it"
        return DriverFile(text, means)
    known = _ENGINE_IO if any(found.all("socketio")) else found.value("check")
    path = known or "/"
    why, left_open = "", None
    if websocket := found.first("websocket"):
        where = f"clients do not use the WebSocket yet ({websocket.value}, {websocket.by})"
        how = "`sim init --listen` writes a driver from a session of your own client"
        why, left_open = f"# C{where[1:]}:\n# {how}.\n", f"{where}: {how}"
    text = _HTTP.format(why=why, path=path, file=name)
    # Who has nothing at `/`, or only upgrades connections, says so with a 4xx: it is there.
    text += (
        "" if known else "expect: [2xx, 3xx, 4xx]    # whatever it says of this path, it is there\n"
    )
    return DriverFile(text, f"clients ask for {path} every second", left_open)
