"""A driver said in YAML, in a scenario or in a file of its own, read and checked.

docs/drivers.md has the vocabulary. What is said first is read first: a value can be used from where
it is taken on.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from sim.clients.declaration import Declaration, Opening, PayloadAs, Request, Socket, Stored
from sim.clients.http_declaration import InData
from sim.clients.reply import Reply
from sim.clients.template import PLACEHOLDERS, Template, Text
from sim.errors import InputError, Problem
from sim.scenario.driver_heard import OF_ACK, OF_OTHERS, OF_READY, Listening
from sim.scenario.driver_opening import AT_OPENING, LINES, ONE_WAY, Openings
from sim.scenario.driver_opening import KEYS as OPENING
from sim.scenario.driver_requests import SENT, Requests, is_request
from sim.scenario.driver_said import Said
from sim.scenario.driver_words import IN_PYTHON, Words
from sim.scenario.http_section import read_http
from sim.scenario.reading import Reading
from sim.suggestions import listed, similar_file, suggest
from sim.topology.kinds import mistaken
from sim.topology.units import quoted
from sim.topology.yaml_document import FieldPath, load_document

SUFFIXES = (".yaml", ".yml")

KEYS = (
    *OPENING,
    *("payload_as", "send", "ack", "refused", "goodbye", "answer", "resume", "stored"),
)
OF_STORED = ("get", "headers", "sequence", "settles_within")
_AT_STORED = ("session", "client")


def driver_of_file(file: Path) -> InData:
    """The driver of a file that stands for itself. Raises InputError with every problem."""
    reading = Reading(load_document(file), None)
    if another := mistaken(reading.document.data, "driver", file.name):
        raise InputError(Problem(another, str(file)))
    found = read_driver(reading, reading.document.data, (), file.name)
    if found is None:
        raise InputError(*reading.problems)
    return found


def read_driver_file(reading: Reading, name: str, folder: Path, path: FieldPath) -> InData | None:
    """The driver of a file, whose path is from the scenario's folder."""
    file = folder / name
    if not file.exists():
        reading.problem(f"there is no file `{file}`{similar_file(file)}", *path)
        return None
    try:
        own = Reading(load_document(file), reading.topology)
    except InputError as error:
        reading.problems += error.problems
        return None
    if another := mistaken(own.document.data, "driver", name):
        reading.problem(another, *path)
        return None
    found = read_driver(own, own.document.data, (), name)
    reading.problems += own.problems
    return found


def read_driver(
    reading: Reading, data: Mapping[str, Any], path: FieldPath, name: str
) -> InData | None:
    """The driver of a mapping, of whichever kind; None where it cannot be used."""
    if "http" not in data:
        return read_declaration(reading, data, path, name)
    known_problems = len(reading.problems)
    found = read_http(Words(reading, path), data, name)
    return found if len(reading.problems) == known_problems else None


def read_declaration(
    reading: Reading, data: Mapping[str, Any], path: FieldPath, name: str
) -> Declaration | None:
    """The driver of a mapping, with every problem that it has; None where it cannot be used."""
    known_problems = len(reading.problems)
    declaration = _Section(Words(reading, path)).declaration(dict(data), name)
    return declaration if len(reading.problems) == known_problems else None


class _Section:
    """One declaration being read."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._said = Said(words)
        self._heard = Listening(words)
        self._requests = Requests(words, self._said, self._heard)
        self._openings = Openings(words, self._said, self._heard, self._requests)

    def declaration(self, data: dict[str, Any], name: str) -> Declaration:
        words = self._words
        words.unknown_keys(data, KEYS)
        needed = (*(() if {*LINES} & data.keys() else LINES[:1]), "send", "ack")
        for key in needed:
            if key not in data:
                lines = listed(LINES, "or")
                message = f"is missing; a driver needs {lines}, and `send` and `ack`; {IN_PYTHON}"
                words.problem(message, key)
        opening = self._openings.read(data, Opening(Socket("")))
        with words.scope():
            resume, forgotten = self._resume(data.get("resume"), opening)
        send = self._sent(data.get("send", ""), opening)
        ack = self._heard.reply(data.get("ack"), OF_ACK, "ack")
        declaration = Declaration(
            name=name,
            opening=opening,
            send=send,
            ack=ack or Reply(),
            payload_as=self._payload_as(data.get("payload_as", "text")),
            resume=resume,
            forgotten=forgotten,
            refused=self._heard.reply(data.get("refused"), OF_ACK, "refused"),
            goodbye=self._heard.reply(data.get("goodbye"), OF_OTHERS, "goodbye"),
            answers=self._answers(data.get("answer"), opening),
            stored=self._stored(data.get("stored")),
            document=copy.deepcopy(data),
        )
        words.unused((*OF_READY, *OF_ACK))
        return declaration

    def _sent(self, value: object, opening: Opening) -> Template | Request:
        """A message on the connection, or by a request."""
        if is_request(value):
            request = self._requests.read(value, PLACEHOLDERS, "send", keys=SENT)
            return request or Text("")
        if not isinstance(opening.line, Socket):
            self._words.problem(ONE_WAY, "send")
        return self._said.template(value, PLACEHOLDERS, "send")

    def _payload_as(self, value: object) -> PayloadAs:
        if value not in {"text", "base64"}:
            message = f"found {quoted(value)}{suggest(str(value), get_args(PayloadAs))}"
            self._words.problem(message, "payload_as")
        return "base64" if value == "base64" else "text"

    def _resume(self, value: object, opening: Opening) -> tuple[Opening | None, Reply | None]:
        words = self._words
        if value is None:
            return None, None
        data = words.mapping(value, "resume")
        if data is None:
            return None, None
        words.unknown_keys(data, (*OPENING, "forgotten"), "resume")
        forgotten = self._heard.reply(data.get("forgotten"), OF_OTHERS, "resume", "forgotten")
        resume = self._openings.read(data, opening, "resume")
        if forgotten and resume.ready is None:
            message = "needs `ready`: without it nobody listens for what comes instead"
            words.problem(message, "resume", "forgotten")
        if "before" not in data and any("session" in r.capture for r in opening.before):
            message = "is missing: that of a new session names the session; `before: []` is none"
            words.problem(message, "resume", "before")
        return resume, forgotten

    # --- once it stands ---

    def _answers(self, value: object, opening: Opening) -> tuple[tuple[Reply, Template], ...]:
        words = self._words
        if value is not None and not isinstance(opening.line, Socket):
            words.problem(f"{ONE_WAY}; {IN_PYTHON}", "answer")
        found = []
        for i, item in enumerate(words.list(value, "`{match: …, send: …}`", "answer")):
            data = words.mapping(item, "answer", i)
            if data is None:
                continue
            words.unknown_keys(data, ("match", "capture", "send"), "answer", i)
            asked = {name: data[name] for name in ("match", "capture") if name in data}
            with words.scope():
                reply = self._heard.reply(asked, OF_OTHERS, "answer", i, takes=True)
                template = self._said.template(data.get("send"), AT_OPENING, "answer", i, "send")
            if reply:
                found.append((reply, template))
        return tuple(found)

    def _stored(self, value: object) -> Stored | None:
        words = self._words
        data = None if value is None else words.mapping(value, "stored")
        if data is None:
            return None
        words.unknown_keys(data, OF_STORED, "stored")
        for key in ("get", "sequence"):
            if key not in data:
                words.problem("is missing; `stored` needs `get` and `sequence`", "stored", key)
                return None
        path = self._said.url_path(data["get"], _AT_STORED, "stored", "get")
        sequence = self._heard.json_path(data["sequence"], "stored", "sequence")
        headers = self._said.headers(data.get("headers", {}), _AT_STORED, "stored", "headers")
        settles_within_s = words.duration(data, "settles_within", 0.0, "stored")
        return Stored(path, sequence, headers, settles_within_s) if sequence else None
