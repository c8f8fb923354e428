"""The report as a person reads it in a terminal: what happened, how long, why, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from sim.report import disconnects_in_words, mishaps_in_words, stops_in_words
from sim.report.asked import asked
from sim.report.document import Document

_STYLES = {"held": "bold green", "failed": "bold red", "unknown": "bold yellow"}
_MARKS = {True: ("held", "green"), False: ("FAILED", "bold red"), None: ("unknown", "yellow")}


def show(console: Console, report: Document) -> None:
    """Print a report. Its last line is the verdict."""
    for part in (
        _expectations(report),
        *(_session(report) if report["live"] else ()),
        *_mishaps(report),
        _outages(report),
        _tails(report),
        _disconnects(report),
        _deploys(report),
        _stops(report),
        _messages(report),
        _traffic(report),
        _footnotes(report),
    ):
        if part is not None:
            console.print(part)
            console.print()
    outcome = report["verdict"]
    console.print(Text(f"verdict: {outcome}", style=_STYLES[outcome]))


def _session(report: Document) -> Iterator[RenderableType]:
    """What was done to a world that was only brought up, and what would have been told of it."""
    if report["faults"]:
        tied = any(row["when"] for row in report["faults"])
        table = _table("Faults", "at s|r", "fault", "target", *(["tied to"] if tied else []))
        for row in report["faults"]:
            why = [row["when"]] if tied else []
            table.add_row(f"{row['at_s']:.1f}", row["fault"], row["target"], *why)
        yield table
    if report["alerts"]:
        table = _table("Alerts", "from s|r", "to s|r", "alert", "reason|w")
        for row in report["alerts"]:
            to_s = "-" if row["to_s"] is None else f"{row['to_s']:.1f}"
            table.add_row(f"{row['from_s']:.1f}", to_s, row["alert"], Text(row["reason"]))
        yield table


class _Titled(Table):
    """A table under a line of its own: rich folds a title at the table's width."""

    def __init__(self, title: str) -> None:
        super().__init__(box=None, pad_edge=False)
        self._line = Text(title, style="bold")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The line, then the table."""
        yield self._line
        yield from super().__rich_console__(console, options)


def _table(title: str, *columns: str) -> Table:
    """A table of these columns: `|r` is aligned to the right, `|w` wraps where it is too wide."""
    table = _Titled(title)
    for column in columns:
        name, _, how = column.partition("|")
        justify: Literal["left", "right"] = "right" if how == "r" else "left"
        table.add_column(name, justify=justify, header_style="dim", no_wrap=how != "w")
    return table


def _expectations(report: Document) -> RenderableType | None:
    """A line for each expectation, and under it the reason where there is one to tell."""
    if not report["expectations"]:
        return None
    lines = [Text("Expected", style="bold")]
    for row in report["expectations"]:
        mark, style = _MARKS[row["held"]]
        lines.append(
            Text.assemble((f"{mark:8}", style), asked(row), " ", (f"→ {row['observed']}", "bold"))
        )
        if row["why"] and row["held"] is not True:
            lines.append(Text(f"{'':8}{row['why']}"))
    return Group(*lines)


def _outages(report: Document) -> RenderableType:
    if not report["outages"]:
        return Text(f"Outages: {disconnects_in_words.nobody(report)}.")
    rows = [row for row in report["outages"] if not row["blip"]]
    folded = [Text(line) for line in blips_in_words(report)]
    if not rows:
        return Group(Text("Outages", style="bold"), *folded)
    parts = {"detection": "detect", "dns": "DNS", "recovery": "recover", "reconnect": "connect"}
    shown = [part for part in parts if any(row[f"{part}_s"] >= 0.05 for row in rows)]
    table = _table(
        "Outages in simulated seconds: the worst client's, and where its time went",
        "location",
        "region",
        "hit|r",
        "at|r",
        "median|r",
        "worst|r",
        *(f"{sign} {parts[part]}|r" for sign, part in zip("=+++", shown, strict=False)),
    )
    for row in rows:
        seconds = ("from_s", "median_s", "seconds", *(f"{part}_s" for part in shown))
        table.add_row(
            row["location"],
            f"{row['region'] or '-'} → {row['to_region'] or 'none'}",
            str(row["clients"]),
            *(f"{row[key]:.1f}" for key in seconds),
        )
    return Group(table, *folded)


def blips_in_words(report: Document) -> Iterator[str]:
    """One line for all outages that are shorter than the load can tell."""
    blips = [row for row in report["outages"] if row["blip"]]
    if not blips:
        return
    places = Counter(row["location"] for row in blips)
    of = ", ".join(f"{place} {count}" for place, count in places.items())
    longest = max(row["seconds"] for row in blips)
    yield (
        f"{len(blips)} outages ({of}) of at most {longest:.1f} s are shorter than the load can"
        f" tell: it sends every {report['every_s']:g} s"
    )


def _tails(report: Document) -> RenderableType | None:
    """Who stayed on a region that DNS had left; not told where every resolver keeps to the TTL."""
    rows = [(tail, row) for tail in report["tails"] for row in tail["resolvers"]]
    if all(row["resolver"] == "strict" for _, row in rows):
        return None
    table = _table(
        "Who stayed on a region that DNS had left, in simulated seconds after it had",
        "location",
        "region",
        "resolver",
        "stayed|r",
        "median|r",
        "longest|r",
        "never left|r",
    )
    for tail, row in rows:
        figures = ("-", "-")
        if row["stayed"]:
            figures = (f"{row['median_s']:.1f}", f"{row['longest_client']} {row['longest_s']:.1f}")
        table.add_row(
            tail["location"],
            tail["region"],
            row["resolver"],
            f"{row['stayed']} of {row['clients']}",
            *figures,
            str(row["never_left"]),
        )
    return table


def _disconnects(report: Document) -> RenderableType | None:
    if not report["disconnects"]:
        return None
    columns = ("location", "region", "by", "code", "reason|w", "ended|r", "left unanswered|r")
    table = _table(disconnects_in_words.HEAD, *columns)
    for row in report["disconnects"][: disconnects_in_words.MOST_ROWS]:
        table.add_row(*map(Text, disconnects_in_words.cells(row)))
    rest = disconnects_in_words.omitted(report)
    return Group(table, Text(rest, style="dim")) if rest else table


def _deploys(report: Document) -> RenderableType | None:
    if not report["deploys"]:
        return None
    columns = (
        "release",
        "strategy",
        "at|r",
        "took|r",
        "replaced|r",
        "dropped|r",
        "of",
        "ended",
    )
    table = _table("Deploys, and the connections that they dropped", *columns)
    for row in report["deploys"]:
        took = "-" if row["to_s"] is None else f"{row['to_s'] - row['from_s']:.1f}"
        places = ", ".join(f"{place} {n}" for place, n in row["dropped_by_location"].items())
        table.add_row(
            str(row["release"]),
            row["strategy"],
            f"{row['from_s']:.1f}",
            took,
            f"{row['replaced']} of {row['machines']}",
            str(row["dropped"]),
            places or "-",
            row["outcome"] or "not over",
        )
    told = [
        Text(f"release {row['release']} said goodbye {goodbyes}")
        for row in report["deploys"]
        if (goodbyes := disconnects_in_words.goodbyes(row))
    ]
    why = [Text(f"! {row['error'].splitlines()[0]}") for row in report["deploys"] if row["error"]]
    return Group(table, *told, *why)


def _stops(report: Document) -> RenderableType | None:
    told = stops_in_words.lines(report)
    head = Text("How machines took the signal to end", style="bold")
    return Group(head, *map(Text, told)) if told else None


def _messages(report: Document) -> RenderableType:
    messages, sessions = report["messages"], report["sessions"]
    audited = (
        f"{messages['lost']} lost, {messages['duplicated']} duplicated,"
        f" {messages['reordered']} reordered"
        if messages["audited"]
        else "what became of them was not checked"
    )
    lines: list[RenderableType] = [
        Text.assemble(
            ("Messages  ", "bold"),
            f"{messages['sent']} sent, {messages['acked']} acknowledged,"
            f" {messages['unanswered']} never answered; {audited}",
        )
    ]
    if any(sessions.values()):
        lines.append(
            Text.assemble(
                ("Sessions  ", "bold"),
                f"{sessions['opened']} opened, {sessions['resumed']} times resumed,"
                f" {sessions['broken']} forgotten, {sessions['unresumed']} never resumed",
                f", {sessions['replaced']} replaced by new ones" if sessions["replaced"] else "",
                f", {sessions['pending']} pending at the end" if sessions["pending"] else "",
            )
        )
    lines += [
        Text(f"  {a['kind']}: message {a['seq']} of session {a['session']}: {a['text']}")
        for a in report["anomalies"][:5]
    ]
    if len(report["anomalies"]) > 5:
        lines.append(Text("  … the rest is in the JSON report", style="dim"))
    return Group(*lines)


def _mishaps(report: Document) -> Iterator[RenderableType]:
    """Machines that died, with their last lines, and what the driver raised."""
    if report["deaths"]:
        lines = [Text(mishaps_in_words.DEATHS, style="bold")]
        for row in report["deaths"]:
            lines.append(Text(mishaps_in_words.death(row)))
            last = row["last_lines"][-mishaps_in_words.MOST_LINES :]
            if last and row["error_line"] not in last:
                last = [row["error_line"], "...", *last]
            lines += [Text(f"{'':8}{line}", style="dim") for line in last]
        yield Group(*lines)
    if report["driver_errors"]:
        rows = map(Text, map(mishaps_in_words.raised, report["driver_errors"]))
        yield Group(Text(mishaps_in_words.RAISED, style="bold"), *rows)


def _traffic(report: Document) -> RenderableType:
    table = _table(
        "Traffic",
        "location",
        "region",
        "answers|r",
        "errors|r",
        "p50 ms|r",
        "p90 ms|r",
        "p99 ms|r",
    )
    for location, regions in report["traffic"].items():
        errors = report["errors"].get(location, {})
        for region, answers in regions.items():
            latency = report["latency_ms"].get(location, {}).get(region)
            figures = [f"{latency[p]:.1f}" for p in ("p50", "p90", "p99")] if latency else []
            if answers or errors.get(region):
                table.add_row(location, region, str(answers), str(errors.get(region, 0)), *figures)
        if errors.get(""):
            table.add_row(location, "-", "0", str(errors[""]))
    frequent = [
        part
        for title, rows in mishaps_in_words.errors(report)
        for part in (Text(), Text(title, style="bold"), *map(Text, rows))
    ]
    return Group(table, *frequent)


def _footnotes(report: Document) -> RenderableType | None:
    cost = report["cost_usd_month"]
    lines = [Text(f"! {doubt}", style="yellow") for doubt in report["doubts"]]
    lines += [Text(f"note: {note}", style="dim") for note in report["notes"]]
    if cost:
        each = ", ".join(f"{k} ${v:.2f}" for k, v in cost.items() if k != "total")
        like_this = report["cost"]["usd_month_like_this"]
        lines.append(
            Text(
                f"Cost a month (estimate): ${cost['total']:.2f} ({each});"
                f" ${like_this:.2f} if all of it were like this run, egress included",
                style="dim",
            )
        )
    return Group(*lines) if lines else None
