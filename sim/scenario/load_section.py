"""The `load` of a scenario file: its clients, their driver, their pace, their DNS caches."""

from __future__ import annotations

import re
from pathlib import Path

from sim.clients.backoff import JITTERS, BackoffSpec
from sim.clients.http_declaration import InData
from sim.clients.load_spec import BUILT_IN_DRIVERS, PERSONALITIES, LoadSpec, Personality
from sim.scenario.driver_section import SUFFIXES, read_driver, read_driver_file
from sim.scenario.reading import Reading
from sim.suggestions import listed, suggest
from sim.topology.units import format_duration, parse_size, quoted

MAX_CLIENTS = 10_000
MAX_PAYLOAD = 1024 * 1024

KEYS = ("driver", "clients", "every", "payload", "resolver", "timeout", "backoff")
_PATH = ("load",)


def read_load(reading: Reading, folder: Path) -> LoadSpec:
    """The load that the document asks for; what it leaves out is Load's default.

    `folder` is where the path of a driver's file starts.
    """
    default = LoadSpec()
    data = reading.mapping(reading.document.data.get("load", {}), _PATH)
    if data is None:
        return default
    reading.unknown_keys(data, KEYS, _PATH)
    return LoadSpec(
        driver=_driver(reading, data.get("driver", default.driver), folder),
        folder=folder,
        clients=_clients(reading, data.get("clients", default.clients)),
        every_s=reading.duration(data, "every", _PATH, default.every_s) or default.every_s,
        payload_bytes=_payload(reading, data.get("payload", default.payload_bytes)),
        resolver=_resolver(reading, data.get("resolver", "strict")),
        timeout_s=reading.duration(data, "timeout", _PATH, default.timeout_s) or default.timeout_s,
        backoff=_backoff(reading, data.get("backoff", {})),
    )


def _driver(reading: Reading, value: object, folder: Path) -> str | InData:
    path = (*_PATH, "driver")
    if isinstance(value, dict):
        return read_driver(reading, value, path, "in the scenario") or "session"
    if isinstance(value, str) and value.endswith(SUFFIXES):
        return read_driver_file(reading, value, folder, path) or "session"
    if value not in BUILT_IN_DRIVERS and not re.fullmatch(r"[\w.]+:\w+", str(value)):
        own = "a class of yours is written `package.module:Class`, a file of yours `my-driver.yaml`"
        message = f"unknown driver {quoted(value)}{suggest(str(value), BUILT_IN_DRIVERS)} ({own})"
        reading.problem(message, *_PATH, "driver")
    return str(value)


def _clients(reading: Reading, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_CLIENTS:
        return value
    message = f"found {quoted(value)}; must be a whole number from 1 to {MAX_CLIENTS}"
    reading.problem(message, *_PATH, "clients")
    return 1


def _payload(reading: Reading, value: object) -> int:
    """The size of a message; here a bare number is allowed, of bytes."""
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        try:
            size = parse_size(value)
        except ValueError as error:
            reading.problem(str(error), *_PATH, "payload")
            return 1
    if not 1 <= size <= MAX_PAYLOAD:
        reading.problem(f"found {quoted(value)}; must be 1B to 1MiB", *_PATH, "payload")
    return size


def _resolver(reading: Reading, value: object) -> dict[Personality, float]:
    """The clients' share of each caching model, from one name or from shares of any sum."""
    path = (*_PATH, "resolver")
    shares = {value: 1} if isinstance(value, str) else value
    if not isinstance(shares, dict) or not shares:
        message = f"must be {listed(PERSONALITIES, 'or')}, or shares: `{{strict: 80, pinned: 20}}`"
        reading.problem(f"found {quoted(value)}; {message}", *path)
        return {}
    for name, share in shares.items():
        place = path if isinstance(value, str) else (*path, name)
        if name not in PERSONALITIES:
            reading.problem(f"unknown resolver `{name}`{suggest(name, PERSONALITIES)}", *place)
        if not isinstance(share, int | float) or isinstance(share, bool) or share <= 0:
            reading.problem(f"found {quoted(share)}; a share must be a number above 0", *place)
            return {}
    total = sum(shares.values())
    return {name: shares[name] / total for name in PERSONALITIES if name in shares}


def _backoff(reading: Reading, value: object) -> BackoffSpec:
    path = (*_PATH, "backoff")
    default = BackoffSpec()
    data = reading.mapping(value, path)
    if data is None:
        return default
    reading.unknown_keys(data, ("base", "max", "jitter", "fixed"), path)
    if "fixed" in data:
        for key in sorted({"base", "max", "jitter"} & data.keys()):
            reading.problem("`fixed` is the whole wait; leave this out", *path, key)
        fixed_s = reading.duration(data, "fixed", path) or default.base_s
        return BackoffSpec(fixed_s, fixed_s, "none")
    base_s = reading.duration(data, "base", path, default.base_s) or default.base_s
    max_s = reading.duration(data, "max", path, max(default.max_s, base_s)) or base_s
    if base_s > max_s:
        reading.problem(f"must be at least the base, {format_duration(base_s)}", *path, "max")
    jitter = data.get("jitter", default.jitter)
    if jitter not in JITTERS:
        hint = suggest(str(jitter), JITTERS)
        reading.problem(f"unknown jitter {quoted(jitter)}{hint}", *path, "jitter")
        jitter = default.jitter
    return BackoffSpec(base_s, max_s, jitter)
