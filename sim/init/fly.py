"""What a fly.toml says, as far as it bears on the other files; the topology reads the rest."""

from __future__ import annotations

from sim.init.command_lines import listening
from sim.init.facts import Build, Facts
from sim.topology.fly_toml import FlyToml


def facts_of_fly(fly: FlyToml) -> Facts:
    """The facts of a file that was read."""
    gateway = fly.gateway
    paths = [str(check["path"]) for check in gateway["checks"] if check["type"] == "http"]
    return Facts(
        app=fly.app,
        command=listening(tuple(gateway.get("command") or ())),
        image=gateway.get("image"),
        build=Build() if fly.dockerfile else None,
        port=gateway.get("port"),
        check=paths[0].partition("?")[0] if paths else None,
    )
