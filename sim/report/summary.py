"""The report in Markdown (`--summary FILE`), fit for a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from sim.report import disconnects_in_words, mishaps_in_words, stops_in_words
from sim.report.asked import asked
from sim.report.document import Document
from sim.report.markdown import VERDICTS, table, text
from sim.report.terminal import blips_in_words

_MARKS = {True: "✅", False: "❌", None: "❔"}
_MOST_ANOMALIES = 10


def render(report: Document) -> str:
    """The Markdown of a report. Whatever a name says, it is text there."""
    blocks = [
        f"### {text(report['scenario'])}: {VERDICTS[report['verdict']]}",
        *_expectations(report),
        *_mishaps(report),
        *_outages(report),
        *_disconnects(report),
        *_deploys(report),
        *_stops(report),
        *_messages(report),
        *(f"> ❔ {text(doubt)}" for doubt in report["doubts"]),
        _how(report),
    ]
    return "\n\n".join(blocks) + "\n"


def _how(report: Document) -> str:
    return (
        f"seed {report['seed']}, speed {report['speed']:g}, {report['runtime']} runtime,"
        f" {report['links']} links, {report['duration_s']:g} simulated seconds"
    )


def _expectations(report: Document) -> Iterator[str]:
    rows = [
        [_MARKS[row["held"]], text(asked(row)), text(row["observed"])]
        for row in report["expectations"]
    ]
    if rows:
        yield table(("", "expected", "observed"), rows)
    for row in report["expectations"]:
        if row["held"] is not True and row["why"]:
            yield f"{_MARKS[row['held']]} **{text(asked(row))}**: {text(row['why'])}"


def _outages(report: Document) -> Iterator[str]:
    parts = ("detection_s", "dns_s", "recovery_s", "reconnect_s")
    rows = [
        [
            text(row["location"]),
            f"{text(row['region'] or '-')} → {text(row['to_region'] or 'none')}",
            str(row["clients"]),
            *(f"{row[key]:.1f}" for key in ("median_s", "seconds", *parts)),
        ]
        for row in report["outages"]
        if not row["blip"]
    ]
    if not report["outages"]:
        yield f"{disconnects_in_words.nobody(report).capitalize()}."
    yield from map(text, blips_in_words(report))
    if not rows:
        return
    head = ("location", "region", "hit", "median s", "worst s")
    yield table((*head, "detection", "DNS", "recovery", "reconnect"), rows, numbers=7)


def _mishaps(report: Document) -> Iterator[str]:
    for row in report["deaths"]:
        error = row["error_line"]
        words = f"{text(mishaps_in_words.death(row))}" + (f": {text(error)}" if error else "")
        yield f"**Died: {words}**"
    for title, rows in (
        (
            mishaps_in_words.RAISED,
            [mishaps_in_words.raised(row) for row in report["driver_errors"]],
        ),
        *mishaps_in_words.errors(report),
    ):
        if rows:
            yield f"{title}:"
            yield "\n".join(f"- {text(row)}" for row in rows)


def _disconnects(report: Document) -> Iterator[str]:
    if not report["disconnects"]:
        return
    rows = [
        [text(cell) for cell in disconnects_in_words.cells(row)]
        for row in report["disconnects"][: disconnects_in_words.MOST_ROWS]
    ]
    head = ("location", "region", "ended by", "code", "reason", "ended", "left unanswered")
    yield f"{disconnects_in_words.HEAD}:"
    yield table(head, rows, numbers=2)
    if rest := disconnects_in_words.omitted(report):
        yield rest


def _deploys(report: Document) -> Iterator[str]:
    for row in report["deploys"]:
        why = f": {text(row['error'].splitlines()[0])}" if row["error"] else ""
        told = disconnects_in_words.goodbyes(row)
        told = f" (said goodbye {told})" if told else ""
        yield (
            f"Release {row['release']} ({row['strategy']}): {row['outcome'] or 'not over'},"
            f" {row['replaced']} of {row['machines']} machines replaced,"
            f" **{row['dropped']} connections dropped**{told}{why}."
        )


def _stops(report: Document) -> Iterator[str]:
    if told := stops_in_words.lines(report):
        yield "\n".join(f"- {text(line)}" for line in told)


def _messages(report: Document) -> Iterator[str]:
    messages = report["messages"]
    fate = (
        f"**{messages['lost']} lost**, {messages['duplicated']} duplicated,"
        f" {messages['reordered']} reordered"
        if messages["audited"]
        else "what became of them was not checked"
    )
    counts = f"{messages['acked']} of {messages['sent']} messages acknowledged"
    yield f"{counts}, {messages['unanswered']} never answered: {fate}."
    anomalies = report["anomalies"]
    if anomalies:
        lines = [
            f"- {a['kind']}: message {a['seq']} of {text(a['session'])}: {text(a['text'])}"
            for a in anomalies[:_MOST_ANOMALIES]
        ]
        if len(anomalies) > _MOST_ANOMALIES:
            lines.append("- … the rest is in the JSON report")
        yield "\n".join(lines)
