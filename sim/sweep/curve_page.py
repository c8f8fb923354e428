"""The page of a curve: the session's turn, what a kill at each moment breaks, and its outage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from sim.page.html_page import html_page
from sim.sweep.curve import Point

_WIDTH, _LEFT, _RIGHT = 900.0, 64.0, 16.0
_HEIGHT, _TOP, _BOTTOM = 180.0, 12.0, 26.0
_LIFE = 34.0


@dataclass(frozen=True)
class Turn:
    """The undisturbed turn that all moments are of, in simulated seconds, and whose it was."""

    scenario: str
    location: str
    way_s: float
    pause_s: float
    seeds: Sequence[int]


def render(turn: Turn, points: Sequence[Point]) -> str:
    """The page, which needs neither network nor script."""
    return html_page(
        "sim.sweep",
        "curve.html",
        ["curve.css"],
        title=f"{turn.scenario}: when a kill breaks a promise",
        scenario=escape(turn.scenario),
        location=escape(turn.location),
        seeds=f"{len(turn.seeds)} seeds from {turn.seeds[0]} on",
        broken=_broken(turn, points),
        outage=_outage(turn, points),
        rows="\n".join(_row(point) for point in points),
    )


def _broken(turn: Turn, points: Sequence[Point]) -> str:
    marks = []
    for point in points:
        if (share := point.share) is not None:
            title = f"{point.name}: {_share(point)} ({point.broken} of {_decided(point)})"
            low, high = _y(point.least), _y(point.most)
            marks.append(_mark(_x(turn, point.at_s), _y(share), low, high, title))
    return _chart(turn, "a promise is broken", marks, lambda share: f"{share:.0%}")


def _outage(turn: Turn, points: Sequence[Point]) -> str:
    top = max((point.outage_s[2] for point in points if point.outage_s), default=0.0) or 1.0
    marks = []
    for point in points:
        if point.outage_s:
            least, middle, most = (_y(seconds / top) for seconds in point.outage_s)
            title = f"{point.name}: {_seconds(point)}"
            marks.append(_mark(_x(turn, point.at_s), middle, least, most, title))
    return _chart(turn, "outage", marks, lambda share: f"{share * top:.1f} s")


def _chart(turn: Turn, what: str, marks: Sequence[str], tick: Callable[[float], str]) -> str:
    lines = "".join(
        f'<line class="grid" x1="{_LEFT:g}" x2="{_WIDTH - _RIGHT:g}" y1="{_y(share):.1f}"'
        f' y2="{_y(share):.1f}"/><text class="tick" x="{_LEFT - 8:g}" y="{_y(share) + 4:.1f}"'
        f' text-anchor="end">{tick(share)}</text>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    whole = _HEIGHT + _LIFE
    return (
        f'<svg class="curve" viewBox="0 0 {_WIDTH:g} {whole:g}" role="img"'
        f' aria-label="By the moment of the kill: {what}">'
        f"{lines}{_life(turn)}{''.join(marks)}</svg>"
    )


def _life(turn: Turn) -> str:
    """The session's turn under the curve: on the way, and the pause."""
    spans = (
        ("way", 0.0, turn.way_s, f"on its way, {turn.way_s * 1000:.0f} ms"),
        ("pause", turn.way_s, turn.way_s + turn.pause_s, f"idle, {turn.pause_s:.2f} s"),
    )
    return "".join(
        f'<rect class="{kind}" x="{_x(turn, start):.1f}" y="{_HEIGHT:g}" height="18"'
        f' width="{_x(turn, end) - _x(turn, start):.1f}"><title>{text}</title></rect>'
        f'<text class="tick" x="{_x(turn, start) + 4:.1f}" y="{_HEIGHT + 13:g}">{text}</text>'
        for kind, start, end, text in spans
    )


def _mark(x: float, y: float, low: float, high: float, title: str) -> str:
    return (
        f'<g class="mark"><title>{escape(title)}</title>'
        f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/></g>'
    )


def _x(turn: Turn, at_s: float) -> float:
    """The way and the pause have half of the width each: a way is short and has half the points."""
    half = (_WIDTH - _LEFT - _RIGHT) / 2
    if at_s <= turn.way_s:
        return _LEFT + half * at_s / turn.way_s
    return _LEFT + half * (1 + (at_s - turn.way_s) / turn.pause_s)


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _row(point: Point) -> str:
    figures = (
        f"{point.at_s * 1000:.0f} ms",
        str(point.runs),
        str(point.broken),
        str(point.unknown),
        _share(point),
        _seconds(point),
    )
    cells = "".join(f"<td>{text}</td>" for text in figures)
    return f'<tr><th scope="row">{escape(point.name)}</th>{cells}</tr>'


def _share(point: Point) -> str:
    if point.share is None:
        return "not known"
    return f"{point.share:.0%}, {point.least:.0%} to {point.most:.0%}"


def _decided(point: Point) -> int:
    return point.runs - point.unknown


def _seconds(point: Point) -> str:
    if point.outage_s is None:
        return ""
    least, middle, most = point.outage_s
    return f"{middle:.1f} s, {least:.1f} to {most:.1f} s"
