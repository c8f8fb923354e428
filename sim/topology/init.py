"""The text of a topology to start from: runnable as it is, with a comment on every choice."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from sim.topology.cities import CITIES
from sim.topology.fly_toml import FlyToml, Program, program_of, read_fly_toml
from sim.topology.geography import REGIONS, continent, distance_km, place_named
from sim.topology.model import Coordinates

_TEMPLATE = """\
# A topology: your gateway, the regions it runs in, the places its clients are in.
#
#   sim validate FILE      says what is wrong with this file
#   sim up FILE            brings it up on this machine

{head}
gateway:
  # What runs in each region. PORT, HOST, DATABASE_URL, FLY_REGION and the other variables of Fly
  # are in its environment.
{gateway}
regions:                           # by Fly code; each has this many machines
{regions}

locations:                         # where clients are, and their share of the load
{locations}

routing:
  mode: geodns                     # DNS leads to the nearest healthy region
  ttl: 30s                         # how long clients may keep an answer
  when_none_local: nearest         # or refuse: rather fail than be served on another continent

# Round trips follow from distance; state those you have measured.
# links:
#   - {{between: [{location}, {region}], rtt: 15ms, jitter: 1ms}}

services:
  database: {{kind: postgres, region: {region}}}    # a PostgreSQL of its own; or url: of yours

# What must hold whatever fails. A scenario asks for it with `check: residency`.
# policies:
#   residency:
#     local: {{locations: [{location}], regions: [{region}]}}

costs: {{machine_month_usd: 5.20}}
"""

_OWN_HEAD = """\
app: my-gateway
domain: fly.dev                    # clients use my-gateway.fly.dev
"""

_REFERENCE = """\
  # {why}This is the simulator's reference gateway, which answers
  # checks at {path}; put your own in its place.
  command: {command}
"""

_OWN_GATEWAY = """\
  port: 8080                       # the port inside a container
  # secrets: [API_KEY]             # names; values come from the environment or --secrets FILE
  checks:
    # One failed check takes a machine out of DNS, one passed check brings it back.
    - {type: http, path: /healthz, interval: 30s, timeout: 5s, grace_period: 5s}
  kill_timeout: 5s                 # from SIGINT (or `kill_signal: SIGTERM`) to SIGKILL
"""

_REMOTE = {"europe": "iad"}  # the second region, by the primary's continent; elsewhere `fra`


@dataclass(frozen=True)
class Starter:
    """The text of a topology to begin with, and what its writer is to be told of it."""

    text: str
    notes: tuple[str, ...] = ()


def init_topology(fly_toml: Path | None = None) -> Starter:
    """A starter topology, standing on a fly.toml where there is one.

    Raises InputError where the fly.toml cannot be used.
    """
    fly = read_fly_toml(fly_toml) if fly_toml else None
    primary = (fly and fly.primary_region) or "iad"
    second = _REMOTE.get(continent(primary) or "", "fra")
    near, far = _city_near(primary), _city_near(second)
    program = program_of(fly, fly_toml.parent) if fly and fly_toml else None
    text = _TEMPLATE.format(
        head=_head(fly, fly_toml) if fly and fly_toml else _OWN_HEAD,
        gateway=_gateway(fly, program) if fly else _reference() + _OWN_GATEWAY,
        regions="\n".join((_region(primary, primary=True), _region(second, primary=False))),
        locations=f"  {near}: {{share: 60}}\n  {far}: {{share: 40}}",
        location=near,
        region=primary,
    )
    return Starter(text, _notes(fly, program) if fly else ())


def _notes(fly: FlyToml, program: Program | None) -> tuple[str, ...]:
    notes = [str(note) for note in fly.notes]
    if program is None:
        notes.append(f"{_unknown(fly)}: the topology runs the reference gateway; put yours there")
    elif program.said_by != "the fly.toml":
        notes.append(f"machines run `{shlex.join(program.command)}`, as {program.said_by} says")
    return tuple(notes)


def _unknown(fly: FlyToml) -> str:
    if image := fly.gateway.get("image"):
        return f"what `{image}` runs is known with --runtime docker only"
    return "neither processes nor a Dockerfile or package.json beside it says what to run"


def _check_path(fly: FlyToml) -> str:
    paths = [str(check["path"]) for check in fly.gateway["checks"] if check["type"] == "http"]
    return paths[0].partition("?")[0] if paths else "/healthz"


def _reference(why: str = "", path: str = "/healthz") -> str:
    """The reference gateway in the user's place: it answers one path of checks."""
    own = [] if path == "/healthz" else ["--check-path", json.dumps(path)]
    command = f"[{', '.join(['python', '-m', 'sim.gateway', *own])}]"
    return _REFERENCE.format(why=why, path=path, command=command)


def _gateway(fly: FlyToml, program: Program | None) -> str:
    if program is None:
        why = _unknown(fly)
        return _reference(f"{why[0].upper()}{why[1:]}.\n  # ", _check_path(fly))
    if program.said_by == "the fly.toml":
        return f"  # It runs `{shlex.join(program.command)}`, as the fly.toml says.\n"
    words = json.dumps(list(program.command))
    return f"  # As {program.said_by} says; a container runs its image's own.\n  command: {words}\n"


def _head(fly: FlyToml, path: Path) -> str:
    name = str(path)
    plain = re.fullmatch(r"[\w./-]*\w", name)
    lines = [
        f"fly_toml: {name if plain else json.dumps(name)}",
        "# It says the app's name, port, env, checks and primary region; keys given here win.",
    ]
    lines += [f"# Not simulated: {note.field}: {note.message}" for note in fly.notes]
    if fly.app is None:
        lines.append("app: my-gateway")
    return "\n".join(lines) + "\n"


def _region(code: str, *, primary: bool) -> str:
    keys = ["machines: 1", *(["primary: true"] if primary else [])]
    entry = f"  {code}: {{{', '.join(keys)}}}"
    return f"{entry + ' ':<35}# {REGIONS[code].city}"


def _city_near(code: str) -> str:
    """The city that clients near a region may live in: the nearest large one."""
    at = place_named(code) or Coordinates(0, 0)
    larger = (name for name in CITIES if name not in ("ashburn", "san-jose"))
    return min(larger, key=lambda name: distance_km(at, Coordinates(*CITIES[name])))
