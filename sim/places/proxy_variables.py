"""A program put into a location by its environment: the proxy variables that most programs read.

Lower and upper case, because programs differ in which they read (curl ignores HTTP_PROXY). All
speak HTTP: of SOCKS some clients know only that they lack a library for it.
"""

from __future__ import annotations

from collections.abc import Mapping

_SCHEMES = ("http", "https", "ws", "wss", "all")
_NODE = "NODE_USE_ENV_PROXY"  # Node.js reads none of them unless it is told to


def through(entry: str, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment whose programs go through the entry at `entry`, whatever it said before."""
    kept = {name: value for name, value in environment.items() if name.lower() != "no_proxy"}
    names = [f"{scheme}_proxy" for scheme in _SCHEMES]
    settings = dict.fromkeys([*names, *map(str.upper, names)], f"http://{entry}")
    return {**kept, **settings, _NODE: "1"}
