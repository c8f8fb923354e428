"""The rules by which `promtool check metrics` judges an exposition, on prometheus_client's parser.

After promlint in prometheus/client_golang: help, names of counters, reserved suffixes and labels,
types and abbreviated or derived units in names, camel case. Of what is untyped it asks less.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

_TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
_ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "m", "h", "d"}
_DERIVED = {
    *("milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days"),
    *("kilobytes", "megabytes", "gigabytes", "bits", "percent", "celsius_degrees"),
}


def declared(text: str) -> dict[str, tuple[str, str]]:
    """Type and help by name, as written: the parser gives counters other names."""
    types = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
    return {name: (types.get(name, ""), helps.get(name, "")) for name in {*types, *helps}}


def problems(text: str) -> Iterator[str]:
    """Everything that promtool would say of an exposition."""
    for name, (kind, words) in declared(text).items():
        yield from _of_name(name, kind)
        if not words.strip():
            yield f"{name}: no help text"
    for family in text_string_to_metric_families(text):
        series = Counter((s.name, *sorted(s.labels.items())) for s in family.samples)
        yield from (f"{key}: twice" for key, times in series.items() if times > 1)
        for sample in family.samples:
            labels = {*sample.labels} - ({"le"} if family.type == "histogram" else set())
            yield from (f"{sample.name}: reserved label {x}" for x in labels & {"le", "quantile"})
            yield from (f"{sample.name}: camel case {x}" for x in labels if x != x.lower())


def _of_name(name: str, kind: str) -> Iterator[str]:
    words = name.split("_")
    if kind == "counter" and not name.endswith("_total"):
        yield f'{name}: counter metrics should have "_total" suffix'
    if kind != "counter" and name.endswith("_total"):
        yield f'{name}: non-counter metrics should not have "_total" suffix'
    if kind not in ("histogram", "summary", "untyped"):
        for suffix in ("_count", "_sum", "_bucket"):
            if name.endswith(suffix):
                yield f'{name}: non-histogram metrics should not have "{suffix}" suffix'
    if name != name.lower() or ":" in name:
        yield f"{name}: names are in snake case, without colons"
    yield from (f"{name}: names should not have a type ({w})" for w in words if w in _TYPES)
    yield from (f"{name}: names should not abbreviate units" for w in words if w in _ABBREVIATED)
    yield from (f"{name}: not a base unit ({w})" for w in words if w in _DERIVED)
    if not kind:
        yield f"{name}: no type"
