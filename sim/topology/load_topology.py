"""From a topology file to a Topology, or to every problem the file has."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.errors import InputError, Problem
from sim.suggestions import similar_file
from sim.topology.build import build
from sim.topology.consistency import problems_between
from sim.topology.fly_toml import FlyToml, UnknownGroupError, read_fly_toml
from sim.topology.kinds import mistaken
from sim.topology.model import Topology
from sim.topology.problems import problems_of
from sim.topology.settings import NO_SETTINGS, with_settings
from sim.topology.topology_keys import TopologySchema
from sim.topology.yaml_document import Document, FieldPath, load_document


def load_topology(path: Path, settings: Mapping[str, Any] | None = None) -> Topology:
    """The topology of a file, with `settings` in place of what it says under these keys.

    Raises InputError with every problem (file, line, field).
    """
    document = load_document(path)
    if another := mistaken(document.data, "topology", path.name):
        raise InputError(Problem(another, str(path)))
    return _topology_of(document, path, settings or NO_SETTINGS)


def topology_from_mapping(data: Mapping[str, Any], path: Path | None = None) -> Topology:
    """The topology of plain data, such as a journal's. Relative paths start at `path`'s folder."""
    return _topology_of(Document(dict(data), str(path) if path else None), path)


def _topology_of(
    document: Document, path: Path | None, settings: Mapping[str, Any] = NO_SETTINGS
) -> Topology:
    of_app = {key: value for key, value in settings.items() if key in ("fly_toml", "group")}
    others = {key: value for key, value in settings.items() if key not in of_app}
    document, notes = _with_fly_toml(with_settings(document, of_app), path)
    document = with_settings(document, others)  # so they win over what the fly.toml says
    try:
        schema = TopologySchema.model_validate(document.data)
    except ValidationError as error:
        problems = problems_of(error, TopologySchema, document)
        if rest := _valid_part(document.data, error):
            problems += problems_between(rest, document)
        raise InputError(*sorted(problems, key=lambda p: p.line or 0)) from error
    if problems := problems_between(schema, document):
        raise InputError(*problems)
    notes = (*notes, *_without_effect(schema, document))
    return replace(build(schema, path), document=_storable(document.data), notes=notes)


def _without_effect(schema: TopologySchema, document: Document) -> Iterator[Problem]:
    """What is written and does nothing with this kind of routing."""
    if schema.routing.mode == "geodns" and schema.gateway.auto_stop != "off":
        message = "machines stop and wake by themselves only with `routing: {mode: anycast}`"
        yield document.problem(message, "gateway", "auto_stop")
    if schema.routing.mode == "geodns" and schema.routing.knowledge:
        message = "edges know other regions' machines only with `routing: {mode: anycast}`"
        yield document.problem(message, "routing", "knowledge")


def _with_fly_toml(document: Document, path: Path | None) -> tuple[Document, tuple[Problem, ...]]:
    """The document with what its fly.toml says filled in; what the document says itself wins."""
    name = document.data.get("fly_toml")
    if not isinstance(name, str):
        return document, ()
    group, own_regions = document.data.get("group"), document.data.get("regions")
    file = (path.parent if path else Path()) / name
    if not file.exists():
        message = f"there is no file `{file}`{similar_file(file)}"
        raise InputError(document.problem(message, "fly_toml"))
    try:
        fly = read_fly_toml(
            file,
            group if isinstance(group, str) else None,
            own_regions if isinstance(own_regions, dict) else (),
        )
    except UnknownGroupError as error:
        message = f"{error.problems[0].message} ({file})"
        raise InputError(document.problem(message, "group")) from None
    data = {key: value for key, value in document.data.items() if key != "fly_toml"}
    data = {"group": fly.group, **data}
    if fly.app is not None:
        data = {"app": fly.app, **data}
    data["gateway"] = _merged_gateway(fly, Path(name).parent, data.get("gateway"))
    own_deploy = data.get("deploy")
    if fly.deploy and isinstance(own_deploy, dict | None):
        data["deploy"] = {**fly.deploy, **(own_deploy or {})}
    data["regions"] = _merged_regions(fly, data.get("regions"))
    if data["regions"] is None:
        del data["regions"]
    # What came from fly.toml has no line of its own; the line that names the file stands for it.
    line = document.lines.get(("fly_toml",), 0)
    filled: list[FieldPath] = [("app",), ("regions",), ("regions", fly.primary_region or "")]
    for section in ("gateway", "deploy"):
        known = data.get(section)
        keys = known if isinstance(known, dict) else ()
        filled += [(section,), *((section, key) for key in keys)]
    lines = dict.fromkeys(filled, line) | dict(document.lines)
    return replace(document, data=data, lines=lines if line else {}), fly.notes


def _merged_gateway(fly: FlyToml, folder: Path, own: object) -> object:
    """The gateway; `folder` is that of the fly.toml as the topology names it."""
    if not isinstance(own, dict | None):
        return own
    own = own or {}
    theirs = {"folder": str(folder), **fly.gateway}
    if fly.dockerfile:
        build = {"context": str(folder), "dockerfile": fly.dockerfile, "args": fly.build_args}
        theirs["build"] = build
    if "image" in own or "build" in own:
        theirs = {key: value for key, value in theirs.items() if key not in ("image", "build")}
    merged = {**theirs, **own}
    if isinstance(own.get("env"), dict):
        merged["env"] = {**fly.gateway["env"], **own["env"]}
    return merged


def _merged_regions(fly: FlyToml, own: object) -> object:
    if fly.primary_region is None or not isinstance(own, dict | None):
        return own
    regions = {fly.primary_region: None, **(own or {})}
    if any(isinstance(region, dict) and region.get("primary") for region in regions.values()):
        return own
    primary = regions[fly.primary_region] or {}
    if isinstance(primary, dict):
        regions[fly.primary_region] = {**primary, "primary": True}
    return regions


def _valid_part(data: Mapping[str, Any], error: ValidationError) -> TopologySchema | None:
    """What is left of a document without its errors, so that the rest can be checked as well."""
    rest = copy.deepcopy(dict(data))
    for _ in range(4):  # removing a value may leave its owner incomplete, and so on upwards
        for details in error.errors():
            path = tuple(part for part in details["loc"] if part != "[key]")
            _neutralise(rest, path, missing=details["type"] == "missing")
        try:
            return TopologySchema.model_validate(rest)
        except ValidationError as next_error:
            error = next_error
    return None


def _neutralise(data: dict[str, Any], path: FieldPath, *, missing: bool) -> None:
    if path == ("app",):
        data["app"] = "app"
    elif path == ("gateway",):
        data["gateway"] = {"command": ["true"]}
    elif path == ("gateway", "command") and not missing:
        _set(data, path, ["true"])
    elif path[-1] == "at":
        _set(data, path, [0, 0])
    elif len(path) == 2 and path[0] in ("regions", "locations"):
        _set(data, path, {})
    else:
        owner = path[:-1] if missing else path
        numbers = [i for i, part in enumerate(owner) if isinstance(part, int)]
        # A list goes as a whole: without one item the others would have other lines.
        _set(data, owner[: numbers[0]] if numbers else owner, None)


def _set(data: dict[str, Any], path: FieldPath, value: object) -> None:
    """Put a value at a path of mappings; None removes the key."""
    current: Any = data
    for part in path[:-1]:
        current = current.get(part) if isinstance(current, dict) else None
    if not path or not isinstance(current, dict):
        return
    if value is None:
        current.pop(path[-1], None)
    else:
        current[path[-1]] = value


def _storable(data: Mapping[str, Any]) -> dict[str, Any]:
    stored = copy.deepcopy(dict(data))
    stored.pop("alerts", None)  # whoever replays a journal is to page nobody, and a URL may tell
    database = (stored.get("services") or {}).get("database") or {}
    if "url" in database:
        database["url"] = re.sub(r"(?<=:)[^:@/]*(?=@)", "***", database["url"])
    return stored
