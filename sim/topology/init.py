"""The text of a topology to start from: runnable as it is, with a comment on every choice."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sim.topology.cities import CITIES
from sim.topology.fly_toml import FlyToml, read_fly_toml
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
  # are in its environment. This is the simulator's reference gateway, which answers checks at
  # /healthz; put your own in its place.
  command: [python, -m, sim.gateway]
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

_OWN_GATEWAY = """\
  port: 8080                       # the port inside a container
  # secrets: [API_KEY]             # names; values come from the environment or --secrets FILE
  checks:
    # One failed check takes a machine out of DNS, one passed check brings it back.
    - {type: http, path: /healthz, interval: 30s, timeout: 5s, grace_period: 5s}
  kill_timeout: 5s                 # from SIGINT (or `kill_signal: SIGTERM`) to SIGKILL
"""

_REMOTE = {"europe": "iad"}  # the second region, by the primary's continent; elsewhere `fra`


def init_topology(fly_toml: Path | None = None) -> str:
    """The text of a starter topology, standing on a fly.toml where there is one.

    Raises InputError where the fly.toml cannot be used.
    """
    fly = read_fly_toml(fly_toml) if fly_toml else None
    primary = (fly and fly.primary_region) or "iad"
    second = _REMOTE.get(continent(primary) or "", "fra")
    near, far = _city_near(primary), _city_near(second)
    return _TEMPLATE.format(
        head=_head(fly, fly_toml) if fly and fly_toml else _OWN_HEAD,
        gateway="" if fly else _OWN_GATEWAY,
        regions="\n".join((_region(primary, primary=True), _region(second, primary=False))),
        locations=f"  {near}: {{share: 60}}\n  {far}: {{share: 40}}",
        location=near,
        region=primary,
    )


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
    fly = REGIONS.get(code)
    keys = ["machines: 1", *(["primary: true"] if primary else [])]
    about = f"# {fly.city}" if fly else "# not a region of Fly: where is it?"
    if fly is None or not fly.active:
        at = fly.at if fly else Coordinates(0, 0)
        keys.append(f"at: [{at.lat}, {at.lon}]")
        about += "; Fly runs no machines there any more" if fly else ""
    entry = f"  {code}: {{{', '.join(keys)}}}"
    return f"{entry + ' ':<35}{about}"


def _city_near(code: str) -> str:
    """The city that clients near a region may live in: the nearest large one."""
    at = place_named(code) or Coordinates(0, 0)
    larger = (name for name in CITIES if name not in ("ashburn", "san-jose"))
    return min(larger, key=lambda name: distance_km(at, Coordinates(*CITIES[name])))
