"""The matrix of a campaign: which runs it is made of, in which order, and what each is called.

A *setup* is a combination of scenario, runtime, speed and varied values; a *cell* is a setup with a
seed, and one run. Seeds are repetitions: `pairwise` thins out setups, and each that stays has all
the seeds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Literal

SCENARIO, RUNTIME, SPEED, SEED = "scenario", "runtime", "speed", "seed"


@dataclass(frozen=True)
class Campaign:
    """What is to be run. Scenarios are named as the file names them."""

    name: str
    scenarios: Sequence[str]
    seeds: Sequence[int]
    speeds: Sequence[float | str]
    runtimes: Sequence[str]
    vary: Mapping[str, Sequence[Any]]
    combine: Literal["full", "pairwise"]
    exclude: Sequence[Mapping[str, Sequence[Any]]]

    @property
    def dimensions(self) -> dict[str, Sequence[Any]]:
        """What setups differ in, and the values of each."""
        return {
            SCENARIO: self.scenarios,
            RUNTIME: self.runtimes,
            SPEED: self.speeds,
            **self.vary,
        }


@dataclass(frozen=True)
class Cell:
    """One run. `id` depends on what is run alone, so it stays when the matrix grows."""

    index: int
    scenario: str
    runtime: str
    speed: float | str
    seed: int
    settings: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Ten hexadecimal digits."""
        what = [self.scenario, self.runtime, self.speed, self.seed, dict(self.settings)]
        return hashlib.sha256(canonical(what).encode()).hexdigest()[:10]

    @property
    def arguments(self) -> list[str]:
        """What `sim run` is told, after the scenario, to run it."""
        words = ["--runtime", self.runtime, "--speed", _number(self.speed), "--seed"]
        return [
            *(*words, str(self.seed)),
            *(word for key, value in self.settings.items() for word in ("--set", said(key, value))),
        ]

    @property
    def setup(self) -> dict[str, Any]:
        """Everything of it but the seed: runs of one setup repeat each other."""
        named = {SCENARIO: self.scenario, RUNTIME: self.runtime, SPEED: self.speed}
        return {**named, **self.settings}


def cells(campaign: Campaign) -> Iterator[Cell]:
    """Every run, the seeds of a setup one after another."""
    index = 0
    for setup in setups(campaign):
        settings = {key: setup[key] for key in campaign.vary}
        for seed in campaign.seeds:
            if _excluded({**setup, SEED: seed}, campaign.exclude):
                continue
            yield Cell(index, setup[SCENARIO], setup[RUNTIME], setup[SPEED], seed, settings)
            index += 1


def setups(campaign: Campaign) -> list[dict[str, Any]]:
    """The combinations that are run: all, or so many that each pair of values meets."""
    found = [
        setup
        for values in product(*campaign.dimensions.values())
        if not _excluded(
            setup := dict(zip(campaign.dimensions, values, strict=True)), campaign.exclude
        )
    ]
    return found if campaign.combine == "full" else _pairwise(found)


def _pairwise(full: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Few of them, in which every pair of values occurs that occurs in all of them.

    Greedy: each time the one with the most pairs that are still missing, the first of equals.
    """
    pairs_of = [_pairs(setup) for setup in full]
    missing = frozenset[object]().union(*pairs_of)
    chosen: list[int] = []
    while missing:
        best = max(range(len(full)), key=lambda k: (len(pairs_of[k] & missing), -k))
        missing -= pairs_of[best]
        chosen.append(best)
    return [full[k] for k in sorted(chosen)]


def _pairs(setup: Mapping[str, Any]) -> frozenset[object]:
    values = [(key, canonical(value)) for key, value in setup.items()]
    return frozenset(combinations(values, 2))


def _excluded(setup: Mapping[str, Any], rules: Sequence[Mapping[str, Sequence[Any]]]) -> bool:
    """Whether a rule's keys all match. One about a seed matches no setup without one."""
    return any(
        all(
            key in setup and canonical(setup[key]) in map(canonical, values)
            for key, values in rule.items()
        )
        for rule in rules
    )


def canonical(value: Any) -> str:
    """One text for each value: `1` and `true` are two, and the order of keys is none."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def said(key: str, value: Any) -> str:
    """A setting as `sim run --set` takes it."""
    text = (
        value if isinstance(value, str) and _plain(value) else json.dumps(value, ensure_ascii=False)
    )
    return f"{key}={text}"


def _plain(text: str) -> bool:
    """Whether YAML takes a text for just that without quotes, such as `30s`."""
    return (
        text[:1].isalnum()
        and text.replace("-", "").isalnum()
        and not text.isdigit()
        and (text not in ("null", "true", "false"))
    )


def _number(speed: float | str) -> str:
    return speed if isinstance(speed, str) else f"{speed:g}"
