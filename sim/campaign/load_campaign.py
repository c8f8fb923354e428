"""From a campaign file to a Campaign, or to every problem that it and its scenarios have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.campaign.keys import CampaignSchema
from sim.campaign.matrix import SCENARIO, SEED, Campaign, canonical, said, setups
from sim.errors import InputError, Problem
from sim.scenario.load_scenario import load_scenario
from sim.suggestions import similar_file, suggest
from sim.topology.kinds import mistaken
from sim.topology.problems import problems_of
from sim.topology.units import quoted
from sim.topology.yaml_document import Document, load_document

MAX_CELLS = 100_000
MAX_PAIRED = 20_000  # setups of which `pairwise` chooses: it looks at all of them many times


def load_campaign(path: Path) -> Campaign:
    """The campaign of a file. Raises InputError with every problem, of what it would run too."""
    document = load_document(path)
    if another := mistaken(document.data, "campaign", path.name):
        raise InputError(Problem(another, str(path)))
    try:
        schema = CampaignSchema.model_validate(document.data)
    except ValidationError as error:
        raise InputError(*problems_of(error, CampaignSchema, document)) from error
    campaign = campaign_of(schema, path.stem)
    problems = [*_within(campaign, document)]
    if not problems:
        problems = [*_Trial(campaign, document, path.parent).problems()]
    if problems:
        raise InputError(
            *sorted(dict.fromkeys(problems), key=lambda p: (p.file or "", p.line or 0))
        )
    return campaign


def campaign_of(schema: CampaignSchema, name: str) -> Campaign:
    """The campaign of a file's content; `name` where it has none of its own."""
    return Campaign(
        name=schema.name or name,
        scenarios=tuple(schema.scenarios),
        seeds=tuple(schema.seeds),
        speeds=tuple(schema.speeds),
        runtimes=tuple(schema.runtimes),
        vary={key: tuple(values) for key, values in schema.vary.items()},
        combine=schema.combine,
        exclude=[
            {
                key: tuple(value) if isinstance(value, list) else (value,)
                for key, value in rule.items()
            }
            for rule in schema.exclude
        ],
    )


def _within(campaign: Campaign, document: Document) -> Iterator[Problem]:
    """What does not go together in the file itself."""
    yield from _twice(campaign, document)
    yield from _excluded_in_vain(campaign, document)
    paired = campaign.combine == "pairwise"
    seeds, limit = (1, MAX_PAIRED) if paired else (len(campaign.seeds), MAX_CELLS)
    most = seeds * prod(len(values) for values in campaign.dimensions.values())
    if most > limit:
        message = f"{most} combinations are too many, at most {limit}: vary less, or fewer seeds"
        yield document.problem(message, "vary" if campaign.vary else "seeds")


def _twice(campaign: Campaign, document: Document) -> Iterator[Problem]:
    lists: dict[tuple[str, ...], Sequence[Any]] = {
        ("scenarios",): campaign.scenarios,
        ("seeds",): campaign.seeds,
        ("speeds",): campaign.speeds,
        ("runtimes",): campaign.runtimes,
        **{("vary", key): values for key, values in campaign.vary.items()},
    }
    for place, values in lists.items():
        seen: set[str] = set()
        for number, value in enumerate(values):
            if canonical(value) in seen:
                message = f"{quoted(value)} is here twice; remove one of them"
                yield document.problem(message, *place, number)
            seen.add(canonical(value))


def _excluded_in_vain(campaign: Campaign, document: Document) -> Iterator[Problem]:
    """What an exclusion names and no run has: a typo would leave in what was to be left out."""
    dimensions = {**campaign.dimensions, SEED: campaign.seeds}
    for number, rule in enumerate(campaign.exclude):
        for key, values in rule.items():
            if key not in dimensions:
                message = f"`{key}` is not varied here{suggest(key, dimensions)}"
                yield document.unknown_key(message, "exclude", number, key)
                continue
            known = {canonical(value): value for value in dimensions[key]}
            for value in values:
                if canonical(value) not in known:
                    hint = suggest(str(value), map(str, known.values()))
                    message = f"no run has {quoted(value)} there{hint}"
                    yield document.problem(message, "exclude", number, key)


class _Trial:
    """Loads what would be run.

    A value is blamed for what is wrong with it alone, and a combination for what is left.
    """

    def __init__(self, campaign: Campaign, document: Document, folder: Path) -> None:
        self._campaign = campaign
        self._document = document
        self._folder = folder
        self._usable: list[str] = []
        self._bad: set[tuple[str, str]] = set()

    def problems(self) -> Iterator[Problem]:
        """Every problem, each where it can be mended."""
        yield from self._of_scenarios()
        yield from self._of_values()
        yield from self._of_combinations()

    def _of_scenarios(self) -> Iterator[Problem]:
        for number, name in enumerate(self._campaign.scenarios):
            file = self._folder / name
            if not file.exists():
                message = f"there is no file `{file}`{similar_file(file)}"
                yield self._document.problem(message, "scenarios", number)
            elif found := self._loaded(name, {}):
                yield from found
            else:
                self._usable.append(name)

    def _of_values(self) -> Iterator[Problem]:
        for key, values in self._campaign.vary.items():
            for number, value in enumerate(values):
                found = next(
                    filter(None, (self._loaded(n, {key: value}) for n in self._usable)), ()
                )
                if found:
                    self._bad.add((key, canonical(value)))
                for problem in found:
                    message = f"with `{said(key, value)}`: {problem.message}"
                    yield self._document.problem(message, "vary", key, number)

    def _of_combinations(self) -> Iterator[Problem]:
        left = setups(self._campaign)
        if not left:
            yield self._document.problem("leaves nothing to run; exclude less", "exclude")
        if len(self._campaign.vary) < 2:
            return
        tried = {
            canonical([setup[SCENARIO], settings]): (setup[SCENARIO], settings)
            for setup in left
            if (settings := {key: setup[key] for key in self._campaign.vary})
        }
        for name, settings in tried.values():
            parts = {(key, canonical(value)) for key, value in settings.items()}
            if name not in self._usable or parts & self._bad:
                continue
            for problem in self._loaded(name, settings):
                together = ", ".join(said(key, value) for key, value in settings.items())
                message = f"with `{together}`: {problem.message}; `exclude` it, or vary otherwise"
                yield self._document.problem(message, "vary")

    def _loaded(self, name: str, settings: Mapping[str, Any]) -> Sequence[Problem]:
        try:
            load_scenario(self._folder / name, settings)
        except InputError as error:
            return error.problems
        return ()
