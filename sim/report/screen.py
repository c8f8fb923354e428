"""A world that is up, as `sim top` shows it: frames of the live page as a screen of a terminal.

The most urgent comes first, so that a low screen cuts off the least: alerts, locations, regions,
links that are not as usual, then what happened last. Whatever a name or a gateway says is text:
no markup, no control character.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Data = Mapping[str, Any]

MOST_MACHINES = 12
MOST_LINKS = 8
MOST_ALERTS = 6
_LEAST_LINES = 3  # of the story
_KEPT_LINES = 100

_CHECK_STYLES = {"passing": "green", "warning": "yellow", "critical": "bold red"}


class Screen:
    """Draws frames. `portrait` is what does not change while the world is up."""

    def __init__(self, portrait: Data) -> None:
        self._portrait = portrait
        self._lines: deque[tuple[float, str]] = deque(maxlen=_KEPT_LINES)

    def take(self, frame: Data) -> None:
        """Remember what a frame has that is new."""
        self._lines.extend((t, text) for _, t, text in frame["news"]["lines"])

    def draw(self, frame: Data, height: int) -> RenderableType:
        """A frame as a screen of so many lines."""
        parts = [*self._above(frame)]
        used = sum(_lines_of(part) for part in parts) + 1
        room = max(_LEAST_LINES, height - used)
        story = list(self._lines)[-room:]
        head = Text("Last", style="bold")
        return Group(*parts, head, *(_line(f"{t:8.1f} s  {text}") for t, text in story))

    def _above(self, frame: Data) -> Iterator[RenderableType]:
        yield self._title(frame)
        yield from _alerts(frame)
        yield self._locations(frame)
        yield self._regions(frame)
        yield from _links(frame["links"])

    def _title(self, frame: Data) -> Text:
        portrait, load = self._portrait, frame["load"]
        clients = f"{load['clients']} clients" if load["runs"] else "no load"
        speed = f", {portrait['speed']:g} times as fast" if portrait["speed"] != 1 else ""
        title = _line(f"{portrait['hostname']}  up {frame['t']:.0f} s{speed}, {clients}")
        title.stylize("bold")
        return title

    def _locations(self, frame: Data) -> Table:
        table = _table(
            *("Location", "DNS leads to", "served by", "cut|r", "a/s|r", "err|r"),
            *("p50|r", "p99 ms|r", "outages|r", "worst s|r"),
        )
        for place, here in zip(self._portrait["locations"], frame["locations"], strict=True):
            cut = here["cut"] + here["unanswered"]
            served = here["served"] or here["standing"]
            by = ", ".join(f"{region} {count}" for region, count in served.items())
            table.add_row(
                _text(place["name"]),
                _text(", ".join(here["dns"][:3]) or "nothing"),
                _text(by or "-"),
                Text(str(cut or "-"), style="bold red" if cut else ""),
                *_figures(here),
                Text(str(here["outages"] or "-")),
                Text(f"{here['worst_s']:.1f}" if here["outages"] else "-"),
            )
        return table

    def _regions(self, frame: Data) -> Table:
        table = _table(
            *("Region", "machine", "is", "check", "conns|r", "a/s|r", "err|r", "p50|r", "p99 ms|r")
        )
        rows = [
            (region["code"] if first else "", machine, now if first else None)
            for region, now in zip(self._portrait["regions"], frame["regions"], strict=True)
            for first, machine in _numbered(now["machines"])
        ]
        for code, machine, now in rows[:MOST_MACHINES]:
            table.add_row(
                _text(code),
                _text(machine["name"] if machine else "none"),
                _state(machine),
                _check(machine),
                *((Text(str(now["connections"] or "-")), *_figures(now)) if now else ()),
            )
        if len(rows) > MOST_MACHINES:
            table.add_row("", Text(f"and {len(rows) - MOST_MACHINES} more", style="dim"))
        return table


def _numbered(machines: Sequence[Data]) -> Iterator[tuple[bool, Data | None]]:
    """Each machine, and whether it is its region's first; None for a region without any."""
    if not machines:
        yield True, None
    for k, machine in enumerate(machines):
        yield k == 0, machine


def _state(machine: Data | None) -> Text:
    if machine is None:
        return Text("-")
    return _text(machine["state"], "" if machine["state"] == "started" else "bold red")


def _check(machine: Data | None) -> Text:
    if machine is None:
        return Text("-")
    return _text(machine["check"], _CHECK_STYLES.get(machine["check"], ""))


def _figures(now: Data) -> tuple[Text, Text, Text, Text]:
    """Answers a second, the share of errors, and two latencies, of the last seconds."""
    errors, (p50, _, p99) = now["errors"], now["ms"]
    return (
        Text(f"{now['rate']:.1f}" if now["rate"] else "-"),
        Text("-" if errors is None else f"{errors:.0%}", style="red" if errors else ""),
        Text("-" if p50 is None else f"{p50:.0f}"),
        Text("-" if p99 is None else f"{p99:.0f}"),
    )


def _alerts(frame: Data) -> Iterator[Text]:
    alerts = frame["alerts"]
    for alert in alerts[:MOST_ALERTS]:
        for_s = frame["t"] - alert["since_s"]
        yield _line(f"! {alert['alert']} for {for_s:.0f} s: {alert['reason']}", "bold red")
    if len(alerts) > MOST_ALERTS:
        yield Text(f"! and {len(alerts) - MOST_ALERTS} more", style="bold red")


def _links(links: Sequence[Data]) -> Iterator[RenderableType]:
    if not links:
        return
    table = _table("Link", "is", "rtt ms|r", "how")
    for link in links[:MOST_LINKS]:
        detail = {k: v for k, v in link.items() if k not in ("from", "to", "state", "rtt_ms")}
        table.add_row(
            _text(f"{link['from']} → {link['to']}"),
            _text(link["state"], "" if link["state"] == "up" else "bold red"),
            Text(f"{link['rtt_ms']:.0f}"),
            _text(", ".join(f"{key} {value}" for key, value in detail.items())),
        )
    if len(links) > MOST_LINKS:
        table.add_row(Text(f"and {len(links) - MOST_LINKS} more", style="dim"))
    yield table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for column in columns:
        name, _, align = column.partition("|")
        justify: Literal["left", "right"] = "right" if align else "left"
        table.add_column(name, justify=justify, no_wrap=True, overflow="ellipsis")
    return table


def _lines_of(part: RenderableType) -> int:
    return part.row_count + 1 if isinstance(part, Table) else 1


def _line(text: str, style: str = "") -> Text:
    line = _text(text, style)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _text(value: object, style: str = "") -> Text:
    """A value as text, with nothing in it that a terminal would obey."""
    return Text(_printable(str(value)), style=style)


def _printable(characters: Iterable[str]) -> str:
    return "".join(one if one.isprintable() else "·" for one in characters)
