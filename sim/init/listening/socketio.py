"""A socket.io session as a driver: events with an acknowledgement carry a number of their own."""

from __future__ import annotations

import json
import re
from typing import Any

from sim.init.listening.transcript import Connection

_EVENT = re.compile(r"42(?P<id>\d*)(?P<json>\[.*\])", re.DOTALL)


def socketio_driver(connection: Connection) -> dict[str, Any]:
    """The keys of a driver; where no event was acknowledged, the last one is taken for it."""
    texts = [m.data for m in connection.messages if m.by == "client" and isinstance(m.data, str)]
    events = [match for text in texts if (match := _EVENT.fullmatch(text))]
    acknowledged = [match for match in events if match["id"]]
    connect = next((text for text in texts if text.startswith("40")), "40")
    event = [*events, *acknowledged][-1] if events else None
    arguments = json.loads(event["json"]) if event else ["message", ""]
    name, *rest = arguments
    said = json.dumps([name, *(_payload(part) for part in rest)], ensure_ascii=False)
    return {
        "websocket": re.sub(r"&(?:t|sid)=[^&]*", "", connection.path),
        "hello": [{"wait": r"^0\{"}, {"send": connect}, {"wait": r"^40\{"}],
        "send": f"42{{seq}}{said}",
        "ack": "^43(?P<sequence>[0-9]+)",
        "answer": [{"match": "^2$", "send": "3"}],
    }


def _payload(value: Any) -> Any:
    """The first text is what is said; numbers that count are the message's."""
    if isinstance(value, str):
        return "{payload}"
    if isinstance(value, dict):
        texts = [key for key, part in value.items() if isinstance(part, str)]
        return {k: "{payload}" if texts and k == texts[0] else v for k, v in value.items()}
    return value
