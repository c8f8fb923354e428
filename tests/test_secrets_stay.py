"""Whatever a secret looks like and wherever a gateway says it: no journal, log or report has it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from sim.clock import Clock
from sim.observe.events import (
    Acked,
    Audited,
    Connected,
    ConnectFailed,
    Disconnected,
    Failed,
    FaultFailed,
    HealthChanged,
    LoadEnded,
    LoadStarted,
    MachineChanged,
    PartFailed,
    Resolved,
    RunStarted,
    Sent,
)
from sim.observe.journal import Journal
from sim.processes.masked_log import MaskedLog
from sim.report import html, junit, summary, terminal
from sim.report.outcome import judge
from sim.secrets import redactor
from tests.scenario.conftest import TOPOLOGY

# A prefix, as keys have, so that what is found is the secret and no chance match.
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=4).map("sk-{}".format)
CLIENT = "london/0"
SCENARIO = {
    "name": "secrets",
    "topology": "atlas.yaml",
    "load": {"driver": "session", "clients": 2, "every": "1s"},
    "duration": "150s",
    "expect": [
        {"check": "outage", "location": "london", "max": "0s"},
        {"check": "messages", "lost": 0},
        {"check": "sessions", "resumed": "all"},
    ],
}


def said_everywhere(text):
    """A run in which everything that others can say says this."""
    return [
        RunStarted(7, 1.0, "process", "embedded", "0", TOPOLOGY, SCENARIO),
        LoadStarted(2),
        Resolved(CLIENT, "london", None, None, None, error=text),
        ConnectFailed(CLIENT, "london", "fra", text),
        Connected(CLIENT, "london", "fra", "m"),
        Sent(CLIENT, "s", 1),
        Acked(CLIENT, "s", 1, "fra", "m", 20.0),
        Sent(CLIENT, "s", 2),
        Failed(CLIENT, "s", 2, "fra", text),
        HealthChanged("m", "fra", "critical", text),
        MachineChanged("m", "fra", "stopped", text),
        Disconnected(CLIENT, "london", "fra", "m", text),
        PartFailed("link server", text),
        FaultFailed("crash", "fra", text),
        LoadEnded(),
        Audited(error=text),
    ]


def forms(secret):
    """How a text may carry it."""
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}


@given(secret=SECRETS)
def test_no_journal_and_no_report_has_a_secret(secret):
    async def written(path):
        clock = Clock()
        journal = Journal(clock, path, redactor([secret]))
        for event in said_everywhere(f"the gateway says {secret}, and more"):
            journal.write(event)
        journal.close()
        return journal.records

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        outcome = judge(asyncio.run(written(path)), "-")
        texts = [path.read_text(encoding="utf-8")]
    shown = io.StringIO()
    terminal.show(Console(file=shown, width=100_000), outcome.report)
    texts += [
        shown.getvalue(),
        json.dumps(outcome.report),
        json.dumps(outcome.report, ensure_ascii=False),
        html.render(outcome.evidence, outcome.verdict, outcome.report),
        junit.render(outcome.report),
        summary.render(outcome.report),
    ]
    for text in texts:
        for form in forms(secret):
            assert form not in text
    assert "the gateway says" in texts[1], "the report does quote others"


@given(secret=SECRETS, cuts=st.lists(st.integers(0, 60), max_size=4))
def test_no_log_has_a_secret_however_it_is_printed(secret, cuts):
    """In any number of writes, and over several lines where the secret has them."""
    line = f"key {secret} end\n".encode()

    async def logged(path):
        log = MaskedLog(path, redactor([secret]))
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(line)], strict=True):
            os.write(log.write_end, line[begin:end])
            log._read()
        os.close(log.write_end)
        log.finish()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        asyncio.run(logged(path))
        text = path.read_bytes().decode()
    assert secret not in text
    for part in secret.splitlines():
        assert len(part.strip()) < 8 or part.strip() not in text


def test_the_lines_of_a_key_are_secrets_too():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0B\n-----END KEY-----\n"
    redact = redactor([key])
    for line in key.splitlines():
        assert line not in redact(f"a line: {line}")
