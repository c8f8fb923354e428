"""What a world in a test is made of: by flag, else by marker, else by ini option, else the default.

Relative paths start where they are written: at the folder that pytest was called in for a flag, at
the test's own folder (else the root folder) for a marker, at the root folder for an ini option.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MARKER = "sim"
DEFAULT_SEED = 1
_KEYS = ("topology", "seed", "speed", "runtime", "clock")


@dataclass(frozen=True)
class Settings:
    """What a world is made of. `seed` is where repetitions begin."""

    topology: Path | None
    seed: int
    speed: float
    runtime: str
    clock: str


def add_options(parser: pytest.Parser) -> None:
    """Tell pytest of the flags and ini options."""
    group = parser.getgroup("sim", "worlds of several regions (multi-region-sim)")
    group.addoption("--sim-topology", metavar="FILE", help="The topology of every sim world.")
    group.addoption("--sim-seed", type=int, metavar="N", help="Random seed (default 1).")
    group.addoption("--sim-speed", type=float, metavar="N", help="Simulated seconds per second.")
    group.addoption("--sim-runtime", metavar="NAME", help="What machines are: process or docker.")
    group.addoption("--sim-clock", metavar="NAME", help="What machines see: lens, or real.")
    group.addoption(
        "--sim-seeds",
        type=int,
        default=1,
        metavar="N",
        help="Repeat every test of a sim_world, and every scenario, with N seeds.",
    )
    group.addoption(
        "--sim-scenarios",
        action="store_true",
        help="Collect *.scenario.yaml and the scenarios in folders named topologies as tests.",
    )
    group.addoption(
        "--sim-reports",
        type=Path,
        metavar="DIR",
        help="Where reports of failed tests go (default: pytest's temporary folder).",
    )
    for key in _KEYS:
        parser.addini(f"sim_{key}", f"As --sim-{key}, which wins, and so does the marker.")


def settings(config: pytest.Config, item: pytest.Item | None = None) -> Settings:
    """What a test's world is made of; without an item, one that several tests share.

    Raises pytest.UsageError for a value that cannot be used.
    """
    marked = _marked(item)
    found: dict[str, Any] = {}
    for key in _KEYS:
        flag, ini = config.getoption(f"sim_{key}"), config.getini(f"sim_{key}")
        found[key] = flag if flag is not None else marked.get(key, ini or None)
    return Settings(
        topology=_topology(config, item, marked),
        seed=_number(found, "seed", int, DEFAULT_SEED),
        speed=_number(found, "speed", float, 1.0),
        runtime=str(found["runtime"] or "process"),
        clock=str(found["clock"] or "lens"),
    )


def seeds(config: pytest.Config, first: int) -> list[int]:
    """The seeds that a test is repeated over."""
    return list(range(first, first + config.getoption("sim_seeds")))


def _marked(item: pytest.Item | None) -> dict[str, Any]:
    """The marker's arguments; those of a nearer one win."""
    found: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers(MARKER))) if item else ():
        if mark.args or (unknown := [key for key in mark.kwargs if key not in _KEYS]):
            wrong = "positional arguments" if mark.args else ", ".join(unknown)
            raise pytest.UsageError(
                f"@pytest.mark.sim has no {wrong}; it takes {', '.join(_KEYS)} by name"
            )
        found.update(mark.kwargs)
    return found


def _topology(
    config: pytest.Config, item: pytest.Item | None, marked: dict[str, Any]
) -> Path | None:
    flag: str | None = config.getoption("sim_topology")
    if flag:
        return Path(config.invocation_params.dir, flag)
    if item is not None and "topology" in marked:
        beside = Path(item.path.parent, marked["topology"])
        return beside if beside.exists() else Path(config.rootpath, marked["topology"])
    ini = config.getini("sim_topology")
    return Path(config.rootpath, ini) if ini else None


def _number(found: dict[str, Any], key: str, kind: type[Any], default: float) -> Any:
    value = default if found[key] is None else found[key]
    try:
        number = kind(value)
    except (TypeError, ValueError):
        raise pytest.UsageError(f"sim: {key} is {value!r}; must be a number") from None
    if number < 0:
        raise pytest.UsageError(f"sim: {key} is {value!r}; must not be negative")
    return number
