"""The schemas beside the loaders, over the files that are there to copy and 200 mutants of them."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sim.errors import InputError
from sim.rng import Rng
from sim.schemas.schemas import SCHEMAS, schema_of
from sim.schemas.validate import validate
from sim.topology.kinds import kind_of
from sim.topology.yaml_document import load_document

ROOT = Path(__file__).parents[2]
FILES = [
    path for path in sorted((ROOT / "topologies").rglob("*.yaml")) if "alerts" not in path.name
]
CHECKERS = {kind: jsonschema.Draft7Validator(schema_of(kind)) for kind in SCHEMAS}
MUTANTS = 200


def complaints(kind, data):
    return [f"{list(e.absolute_path)}: {e.message}" for e in CHECKERS[kind].iter_errors(data)]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_each_is_a_schema(kind):
    jsonschema.Draft7Validator.check_schema(schema_of(kind))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "topologies")))
def test_every_file_to_copy_is_as_its_schema_has_it(path):
    try:
        data = load_document(path).data
    except InputError:
        pytest.skip("a compose file")
    if kind := kind_of(data):
        assert complaints(kind, data) == []


def places(value, at=()):
    """Every place in a document."""
    yield at
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in items:
        yield from places(part, (*at, key))


def mutated(data, rng):
    """The document with one mistake, and what kind of mistake it is."""
    made = copy.deepcopy(data)
    *way, last = rng.choice([place for place in places(made) if place])
    owner = made
    for key in way:
        owner = owner[key]
    kind = rng.choice(["another type", "no unit", "typo", "gone", "negative", "nothing"])
    if kind == "typo" and isinstance(owner, dict):
        owner[f"{last}x"] = owner.pop(last)
    elif kind == "gone":
        del owner[last]
    else:
        values = {"no unit": 30, "negative": -1, "nothing": None, "typo": "???"}
        owner[last] = values.get(kind, rng.choice([True, "text", ["a"], {"a": "b"}, 1.5]))
    return made, kind


def seeds():
    """Documents to make mistakes in: topologies, scenarios and drivers in turn."""
    found: dict[str, list[Any]] = {kind: [] for kind in SCHEMAS}
    for path in FILES:
        try:
            data = load_document(path).data
        except InputError:
            continue
        # What refers to a file in another folder has it not in the mutant's.
        if (kind := kind_of(data)) and "../" not in path.read_text():
            found[kind].append((path, data))
    return found


def test_a_schema_refuses_nothing_that_validate_takes_and_most_of_what_it_refuses(tmp_path):
    rng, found, kinds = Rng(20), seeds(), [*SCHEMAS]
    tally = Counter[tuple[bool, bool]]()
    too_strict, missed = [], []
    for number in range(MUTANTS):
        kind = kinds[number % len(kinds)]
        path, data = rng.choice(found[kind])
        made, mistake = mutated(data, rng)
        if kind_of(made) != kind:
            continue
        file = path.with_name(f"{path.stem}-{number}.mutant")
        problems = problems_of(tmp_path, path, made)
        said = complaints(kind, made)
        tally[bool(problems), bool(said)] += 1
        if said and not problems:
            too_strict.append((str(path), mistake, said))
        if problems and not said:
            missed.append((file.name, [str(problem) for problem in problems]))
    assert too_strict == []
    refused = tally[True, True] + tally[True, False]
    assert refused > MUTANTS / 4
    assert tally[True, True] / refused > 0.9, missed
    assert tally[False, False] > MUTANTS / 20


def problems_of(folder, path, made):
    """What `sim validate` says of a mutant, in a folder that has what the file refers to."""
    place = folder / "of"
    if not place.exists():
        place.mkdir()
    for other in path.parent.iterdir():
        link = place / other.name
        link.unlink(missing_ok=True)
        link.symlink_to(other)
    file = place / path.name
    file.unlink()
    file.write_text(yaml.safe_dump(made, sort_keys=False))
    try:
        return validate([file])
    finally:
        for link in place.iterdir():
            link.unlink()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("topology", {"app": "a", "regionz": {}}),
        ("topology", {"routing": {"ttl": 30}}),
        ("topology", {"routing": {"mode": "dns"}}),
        ("scenario", {"timeline": [{"at": "5s", "fault": "crahs", "region": "fra"}]}),
        (
            "scenario",
            {"timeline": [{"at": "5s", "fault": "crash", "region": "fra", "latency": "1s"}]},
        ),
        ("scenario", {"expect": [{"check": "outage", "location": "london", "max": 70}]}),
        ("scenario", {"load": {"driver": "echoo"}}),
        ("driver", {"websocket": "ws", "send": "a", "ack": "b"}),
        ("driver", {"http": "/", "method": "FETCH"}),
        ("driver", {"websocket": "/", "send": "a", "ack": {"sequense": "$.n"}}),
    ],
)
def test_a_mistake_of_those_that_people_make_is_marked(kind, data):
    wanted: dict[str, dict[str, Any]] = {
        "topology": {
            "app": "a",
            "gateway": {},
            "regions": {"fra": {}},
            "locations": {"london": {}},
        },
        "scenario": {"topology": "t.yaml", "duration": "30s"},
        "driver": {},
    }
    assert complaints(kind, {**wanted[kind], **data}) != []
