"""Which kind of file it is, told by its keys: a topology, scenario, driver, campaign or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["scenario", "topology", "driver", "campaign"]

KEYS: Mapping[Kind, frozenset[str]] = {
    "scenario": frozenset({"name", "topology", "load", "timeline", "duration", "expect"}),
    "topology": frozenset(
        {
            *(
                "app",
                "domain",
                "fly_toml",
                "group",
                "hosts",
                "gateway",
                "regions",
                "locations",
                "routing",
                "deploy",
            ),
            *("links", "services", "policies", "costs", "alerts"),
        }
    ),
    "driver": frozenset(
        {
            *(
                "before",
                "websocket",
                "events",
                "poll",
                "headers",
                "subprotocol",
                "compression",
                "hello",
                "ready",
            ),
            *("http", "method", "body", "expect"),
            *("payload_as", "send", "ack", "refused", "goodbye", "answer", "resume", "stored"),
        }
    ),
    "campaign": frozenset(
        {"name", "scenarios", "seeds", "speeds", "runtimes", "vary", "combine", "exclude"}
    ),
}

# What people write who expect more of a driver than YAML can say. It is a driver all the same.
_TRIED = frozenset({"get", "post", "put", "url", "path", "method", "body", "steps", "connect"})

_USED: Mapping[Kind, str] = {
    "topology": "`sim up {file}` brings its world up; a scenario names it by `topology: {file}`",
    "scenario": "`sim run {file}` runs it",
    "driver": "a scenario names it by `load: {{driver: {file}}}`",
    "campaign": "`sim campaign {file}` runs it",
}


def kind_of(data: Mapping[str, Any]) -> Kind | None:
    """The kind whose keys it has most of; None where it has none of any."""
    words = {**KEYS, "driver": KEYS["driver"] | _TRIED}
    found: Kind = max(get_args(Kind), key=lambda kind: len(words[kind] & data.keys()))
    return found if words[found] & data.keys() else None


def mistaken(data: Mapping[str, Any], wanted: Kind, file: str) -> str | None:
    """What to say where a file is of another kind than `wanted`, or None."""
    kind = kind_of(data)
    if kind is None or kind == wanted:
        return None
    return f"this is a {kind}, not a {wanted}: {_USED[kind].format(file=file)}"
