"""What a person sees while a scenario runs: lines as things happen, and a bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from sim.observe.events import LoadStarted
from sim.observe.journal import Record, Subscriber
from sim.report.narrate import Narrator


@contextmanager
def progress(duration_s: float) -> Iterator[Subscriber]:
    """A subscriber for the journal of a run of that many simulated seconds."""
    console = Console(stderr=True, highlight=False)
    if not sys.stderr.isatty():
        yield Narrator(lambda line: console.print(line, markup=False, soft_wrap=True))
        return
    columns = (BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} s"))
    # Drawn by hand, not by rich's own thread: records come often enough.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        yield _Drawn(bar, duration_s)


class _Drawn:
    """Tells a run's story above a bar that moves with simulated time."""

    def __init__(self, bar: Progress, duration_s: float) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=duration_s)
        self._tell = Narrator(lambda line: bar.console.print(line, markup=False))
        self._start: float | None = None
        self._drawn = 0.0

    def __call__(self, record: Record) -> None:
        if isinstance(record.event, LoadStarted):
            self._start = record.t
        self._tell(record)
        if self._start is not None and record.t - self._drawn >= 1.0:
            self._drawn = record.t
            self._bar.update(self._task, completed=record.t - self._start, refresh=True)
