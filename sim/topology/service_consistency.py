"""What must hold of a topology's services: their names, their places, what they tell machines."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sim.errors import Problem
from sim.suggestions import suggest
from sim.topology.addresses import MAX_PROGRAMS
from sim.topology.model import DATABASE
from sim.topology.topology_keys import ProgramSchema, TopologySchema
from sim.topology.values import label
from sim.topology.variables import OF_DATABASE, OWN, names_in
from sim.topology.yaml_document import Document

# Whose names a journal has for parts of the simulator (`PartFailed`).
_OWN_PARTS = ("journal", "load", "resolver", "sim", "simulator")


def problems(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    """Every problem of the services."""
    programs = schema.services.programs
    places = {name: program.region for name, program in programs.items()}
    if database := schema.services.database:
        places[DATABASE] = database.region
        if database.url is not None and database.sslmode is not None:
            message = "is that of a server of the world's own; write it into `url`: `?sslmode=…`"
            yield document.problem(message, "services", DATABASE, "sslmode")
    for name, region in places.items():
        if region is not None and region not in schema.regions:
            message = (
                f"unknown region `{region}`{suggest(region, schema.regions)} "
                f"(a region that only has the {name} is written with `machines: 0`)"
            )
            yield document.problem(message, "services", name, "region")
    for name, program in programs.items():
        if wrong := _wrong_name(name, schema):
            yield document.unknown_key(wrong, "services", name)
        yield from _program(name, program, document)
    yield from _variables(schema, document)
    if len(programs) > MAX_PROGRAMS:
        message = f"there is room for {MAX_PROGRAMS} beside the {DATABASE}; found {len(programs)}"
        yield document.problem(message, "services")


def told(schema: TopologySchema) -> dict[str, str]:
    """The variables that services set, and which one sets each: a pooler's goes before."""
    found: dict[str, str] = {"DATABASE_URL": DATABASE} if schema.services.database else {}
    for name, program in schema.services.programs.items():
        found |= dict.fromkeys(program.env, name)
    return found


def _wrong_name(name: str, schema: TopologySchema) -> str | None:
    try:
        label(name)
    except ValueError as error:
        return str(error)
    if name in schema.regions:
        return f"`{name}` is a region's name too; name the service otherwise"
    if name in _OWN_PARTS:
        return f"`{name}` is a part of the simulator; name the service otherwise"
    return None


def _program(name: str, program: ProgramSchema, document: Document) -> Iterable[Problem]:
    if program.command is None and program.image is None:
        close = difflib.get_close_matches(name, [DATABASE], cutoff=0.7)
        message = (
            "has neither `command` (process runtime) nor `image` (docker runtime); give one, "
            "such as `command: [redis-server, --port, $PORT]`"
            f"{f'; the built-in PostgreSQL is called `{DATABASE}`' if close else ''}"
        )
        yield document.problem(message, "services", name)
    if program.image is not None and program.port is None:
        message = "is missing: where the image listens, as in `port: 6379`"
        yield document.problem(message, "services", name, "port")


def _variables(schema: TopologySchema, document: Document) -> Iterable[Problem]:
    known = [*OWN, *(OF_DATABASE if schema.services.database else ())]
    setters: dict[str, str] = {}
    for name, program in schema.services.programs.items():
        for variable, template in program.env.items():
            if (other := setters.setdefault(variable, name)) != name:
                message = f"`{variable}` is set by services.{other} already; remove one of the two"
                yield document.problem(message, "services", name, "env")
            for asked in names_in(template):
                if asked not in known:
                    message = f"unknown variable `${asked}`{suggest(asked, known)}"
                    yield document.problem(message, "services", name, "env")
