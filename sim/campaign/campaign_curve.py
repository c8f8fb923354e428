"""The curve of a varied value: how long the worst outage is with each, over all seeds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from html import escape
from math import ceil, log10
from typing import Any

from sim.campaign.campaign_document import Document
from sim.topology.units import parse_duration, parse_rate, parse_share, parse_size

_WIDTH, _HEIGHT = 560.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 24.0, 12.0, 44.0
_UNITS: Sequence[Callable[[object], float]] = (parse_duration, parse_rate, parse_share, parse_size)


def draw(dimension: Document) -> str:
    """An SVG of a dimension of the report; empty where no run had an outage to draw."""
    points = [value for value in dimension["values"] if value["outage_s"]]
    most = max((value["outage_s"]["greatest"] for value in points), default=0.0)
    if not most:
        return ""
    step = _step(most)
    top = ceil(most / step) * step
    places = dict(
        zip(
            (id(value) for value in dimension["values"]),
            _across([value["value"] for value in dimension["values"]]),
            strict=True,
        )
    )

    def y(seconds: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - seconds / top)

    lines = [
        f'<line class="grid" x1="{_LEFT:g}" x2="{_WIDTH - _RIGHT:g}" y1="{y(k * step):.1f}"'
        f' y2="{y(k * step):.1f}"/><text class="tick" x="{_LEFT - 8:g}" y="{y(k * step) + 4:.1f}"'
        f' text-anchor="end">{k * step:g} s</text>'
        for k in range(round(top / step) + 1)
    ]
    marks = []
    for value in points:
        x, figure = places[id(value)], value["outage_s"]
        told = (
            f"{value['value']}: {figure['mean']:.1f} s, {figure['least']:.1f} to"
            f" {figure['greatest']:.1f} s over {figure['seeds']} seeds"
        )
        marks.append(
            f'<g><title>{escape(told)}</title><line class="bar" x1="{x:.1f}" x2="{x:.1f}"'
            f' y1="{y(figure["least"]):.1f}" y2="{y(figure["greatest"]):.1f}"/>'
            f'<circle cx="{x:.1f}" cy="{y(figure["mean"]):.1f}" r="4"/></g>'
        )
    names = [
        f'<text class="tick" x="{places[id(value)]:.1f}" y="{_HEIGHT - 22:g}"'
        f' text-anchor="middle">{escape(_short(value["value"]))}</text>'
        for value in dimension["values"]
    ]
    way = " ".join(f"{places[id(v)]:.1f},{y(v['outage_s']['mean']):.1f}" for v in points)
    return (
        f'<svg class="curve" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img"'
        f' aria-label="Worst outage by {escape(dimension["key"], quote=True)}">'
        f'{"".join(lines)}<polyline points="{way}"/>{"".join(marks)}{"".join(names)}'
        f'<text class="tick" x="{(_WIDTH + _LEFT) / 2:g}" y="{_HEIGHT - 4:g}"'
        f' text-anchor="middle">{escape(dimension["key"])}</text></svg>'
    )


def _across(values: Sequence[Any]) -> list[float]:
    """Where each value is: by what it measures, if all are quantities of a kind, else in order."""
    measured = _measured(values)
    least, greatest = min(measured), max(measured)
    width = _WIDTH - _LEFT - _RIGHT - 40
    return [_LEFT + 20 + width * (m - least) / (greatest - least or 1) for m in measured]


def _measured(values: Sequence[Any]) -> Sequence[float]:
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return [float(v) for v in values]
    for parse in _UNITS:
        with suppress(ValueError):
            return [parse(v) for v in values]
    return range(len(values))


def _step(most: float) -> float:
    """The distance of lines, a round number, such that there are four to ten of them."""
    unit = 10.0 ** int(ceil(log10(most)) - 1)
    return next(s for s in (unit / 5, unit / 2, unit, unit * 2) if most / s <= 8)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:19]}…"
