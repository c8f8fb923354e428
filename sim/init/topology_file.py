"""The text of a first topology: runnable as it is, with a comment on every choice."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from sim.init.places import Places
from sim.init.repository import Repository
from sim.init.services_section import services_section
from sim.topology.geography import REGIONS

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
  {near}: {{share: 60}}
  {far}: {{share: 40}}

routing:
  mode: geodns                     # DNS leads to the nearest healthy region; anycast: Fly's own way
  ttl: 30s                         # how long clients may keep an answer
  when_none_local: nearest         # or refuse: rather fail than be served on another continent

# Round trips follow from distance; state those you have measured.
# links:
#   - {{between: [{near}, {primary}], rtt: 15ms, jitter: 1ms, bandwidth: 50mbps}}

{services}
# What must hold whatever fails. A scenario asks for it with `check: residency`.
# policies:
#   residency:
#     local: {{locations: [{near}], regions: [{primary}]}}

costs: {{machine_month_usd: 5.20}}
"""

_REFERENCE = """\
  # {why}: this is the simulator's reference
  # gateway, which answers checks at {path}; put your own in its place.
  command: {command}
"""


def topology_text(found: Repository, places: Places, folder: str) -> str:
    """The file. `folder` is the repository's, from the folder that the file is in."""
    return _TEMPLATE.format(
        head=_head(found, folder),
        gateway="\n".join(_gateway(found, folder)) + "\n",
        regions="\n".join((_region(places.primary, primary=True), _region(places.second))),
        near=places.near,
        far=places.far,
        primary=places.primary,
        services=services_section(
            found, places.primary, database=bool(found.first("database")) or reference(found)
        ),
    )


def reference(found: Repository) -> bool:
    """Whether the reference gateway stands in the user's place: nothing says what to run."""
    return found.program is None and not found.containers


def _head(found: Repository, folder: str) -> str:
    if found.fly is None or found.fly_path is None:
        return (
            f"app: {found.value('app', 'my-gateway')}\n"
            f"domain: fly.dev                    # clients use the app's name under it\n"
        )
    lines = [
        f"fly_toml: {_scalar(_from(folder, found.fly_path))}",
        "# It says the app's name, port, env, checks and primary region; keys given here win.",
    ]
    lines += [f"# Not simulated: {note.field}: {note.message}" for note in found.fly.notes]
    if found.fly.app is None:
        lines.append(f"app: {found.value('app', 'my-gateway')}")
    return "\n".join(lines) + "\n"


def _from(folder: str, path: Path) -> str:
    return str(path if path.is_absolute() else Path(folder) / path)


def _gateway(found: Repository, folder: str) -> Iterable[str]:
    """The lines of the section, each with the file that says it."""
    if reference(found):
        yield from _stand_in(found)
    elif program := found.program:
        command = list(program.value)
        if found.fly is not None and found.fly.gateway.get("command") == command:
            yield f"  # It runs `{shlex.join(command)}`, as the {program.by} says."
        else:
            yield f"  # As {program.by} says; a container runs its image's own."
            yield f"  command: {json.dumps(command, ensure_ascii=False)}"
    if found.program and found.fly is None:
        yield _line(f"  folder: {_scalar(folder)}", "where it runs, from this file's folder")
    if found.fly is None and found.containers:
        where = f"image: {_scalar(found.image)}" if found.image else _build(found, folder)
        yield _line(f"  {where}", "with --runtime docker: the real image")
    yield from _environment(found)
    if found.fly is None:
        port = found.first("port") or found.first("fixed_port")
        said = f", as {port.by} says" if port else ""
        yield _line(f"  port: {port.value if port else 8080}", f"inside a container{said}")
        yield from _check(found)
        yield _line("  kill_timeout: 5s", "from SIGINT (or `kill_signal: SIGTERM`) to SIGKILL")


def _build(found: Repository, folder: str) -> str:
    build = found.value("build")
    context = str(Path(folder) / build.context)
    if build.dockerfile == "Dockerfile" and not build.args:
        return f"build: {_scalar(context)}"
    parts = [f"context: {_scalar(context)}"]
    parts += (
        [f"dockerfile: {_scalar(build.dockerfile)}"] if build.dockerfile != "Dockerfile" else []
    )
    args = ", ".join(f"{name}: {_scalar(value)}" for name, value in build.args.items())
    parts += [f"args: {{{args}}}"] if args else []
    return f"build: {{{', '.join(parts)}}}"


def _stand_in(found: Repository) -> Iterable[str]:
    path = found.value("check", "/healthz")
    own = [] if path == "/healthz" else ["--check-path", path]
    command = json.dumps(["python", "-m", "sim.gateway", *own])
    why = "No file here says what to run"
    if image := found.fly and found.fly.gateway.get("image"):
        why = f"What `{image}` runs is known with --runtime docker only"
    yield _REFERENCE.format(why=why, path=path, command=command).rstrip("\n")


def _environment(found: Repository) -> Iterable[str]:
    """What the program is told; a made-up secret is the same on all machines, as a real one is."""
    env = found.first("env")
    lines = [f"    {name}: {_scalar(value)}" for name, value in (env.value if env else {}).items()]
    needs = {name: by for name, by in found.needs.items() if name not in found.dotenv}
    for name, by in needs.items():
        line = f"    {name}: made-up-for-the-simulation"
        lines.append(_line(line, f"{by} needs it; to give yours: secrets: [{name}]"))
    if lines:
        yield _line("  env:", f"as {env.by} says") if env else "  env:"
        yield from lines
    if real := [name for name in found.needs if name in found.dotenv]:
        yield _line(f"  secrets: [{', '.join(real)}]", "values: --secrets .env, or the environment")


def _line(text: str, comment: str) -> str:
    """A line with its comment, under those of the others where there is room."""
    return f"{text + ' ':<35}# {comment}"


def _check(found: Repository) -> Iterable[str]:
    yield "  checks:"
    yield "    # One failed check takes a machine out of DNS, one passed check brings it back."
    times = "interval: 30s, timeout: 5s, grace_period: 5s"
    if check := found.first("check"):
        yield f"    - {{type: http, path: {_scalar(check.value)}, {times}}}    # as {check.by} says"
    elif reference(found):
        yield f"    - {{type: http, path: /healthz, {times}}}"
    else:
        yield "    # No health check was found: `type: http, path: /healthz` asks more than a port."
        yield f"    - {{type: tcp, {times}}}"


def _region(code: str, *, primary: bool = False) -> str:
    keys = ["machines: 1", *(["primary: true"] if primary else [])]
    return _line(f"  {code}: {{{', '.join(keys)}}}", REGIONS[code].city)


def _scalar(value: object) -> str:
    """A text as YAML and JSON both read it, without quotes where it needs none."""
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z./][\w./-]*", text)
    words = {"true", "false", "null", "yes", "no", "on", "off"}
    return text if plain and text.lower() not in words else json.dumps(text, ensure_ascii=False)
