"""An HTTP driver said in YAML, read and checked: `{http: /orders, method: POST, expect: 201}`."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from sim.clients.declaration import Request
from sim.clients.http_declaration import SERVICE, HttpDeclaration, Statuses
from sim.clients.template import PLACEHOLDERS
from sim.scenario.driver_requests import METHODS
from sim.scenario.driver_said import Said
from sim.scenario.driver_words import Words
from sim.suggestions import suggest
from sim.topology.units import quoted

KEYS = ("http", "method", "headers", "body", "expect")

_METHODS = tuple(method.upper() for method in (*METHODS, "head"))
# There are no sessions, and nothing is remembered from one answer for the next request.
_ALLOWED = tuple(name for name in PLACEHOLDERS if name not in ("session", "acked"))


def read_http(words: Words, data: Mapping[str, Any], name: str) -> HttpDeclaration:
    """The driver of a mapping that has `http`; what is wrong with it becomes problems."""
    words.unknown_keys(dict(data), KEYS)
    said = Said(words)
    request = Request(
        method=_method(words, data.get("method", "GET")),
        path=said.url_path(data["http"], _ALLOWED, "http"),
        headers=said.headers(data.get("headers", {}), _ALLOWED, "headers"),
        body=said.template(data["body"], _ALLOWED, "body") if "body" in data else None,
    )
    expect = _statuses(words, data["expect"]) if "expect" in data else SERVICE
    return HttpDeclaration(name, request, expect, document=copy.deepcopy(dict(data)))


def _method(words: Words, value: object) -> str:
    method = str(value).upper()
    if method not in _METHODS:
        words.problem(f"found {quoted(value)}{suggest(method, _METHODS)}", "method")
    return method


def _statuses(words: Words, value: object) -> Statuses:
    """One status, a class of them as `2xx`, or a list of these."""
    values = value if isinstance(value, list) else [value]
    ranges = [found for one in values if (found := _range(words, one))]
    if not values:
        words.problem("is empty; leave it out to take any 2xx and 3xx", "expect")
    return Statuses(tuple(ranges))


def _range(words: Words, value: object) -> tuple[int, int] | None:
    if isinstance(value, str) and (match := re.fullmatch(r"([1-5])xx", value, re.IGNORECASE)):
        first = int(match[1]) * 100
        return first, first + 99
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value, value
    like = "a status such as `200`, a class such as `2xx`, or a list of these"
    words.problem(f"found {quoted(value)}; must be {like}", "expect")
    return None
