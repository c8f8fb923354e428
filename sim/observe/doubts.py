"""Why a run proves less than it should: parts of ours that failed, a driver that is mistaken. Pure.

Whether a driver that never gets what it waits for is mistaken, or the gateway is, nobody can tell
from outside. So nothing that follows from it is held against the gateway.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sim.observe.events import (
    ConnectFailed,
    DriverRaised,
    Failed,
    FaultFailed,
    PartFailed,
    PatternMatched,
    PatternMissed,
)
from sim.observe.events.mishaps import ANSWER
from sim.observe.history import History

_CLIENT_ERROR = 4  # the hundreds of a status
_MOST_RAISED = 5  # kinds of a driver's mistakes that are told as reasons; the report has all


def doubts(history: History) -> Iterator[str]:
    """Why this run cannot be trusted, where it cannot, in words."""
    for t, part in history.of(PartFailed):
        yield f"{part.part} failed at {t:.1f} s: {part.reason}"
    for t, fault in history.of(FaultFailed):
        yield f"{fault.fault} {fault.target} could not be done at {t:.1f} s: {fault.reason}"
    for raised, count in driver_errors(history)[:_MOST_RAISED]:
        times = "once" if count == 1 else f"{count} times"
        yield f"the driver raised {times} ({raised.where}): {raised.error}"
    yield from never_understood(history)


def driver_errors(history: History) -> Sequence[tuple[DriverRaised, int]]:
    """What the driver raised of its own until the end, and how often, the most frequent first.

    What has the same place and text is of one kind; each is the first of its kind.
    """
    counts: Counter[tuple[str, int | None, str]] = Counter()
    first: dict[tuple[str, int | None, str], DriverRaised] = {}
    for t, raised in history.of(DriverRaised):
        if t <= history.end:
            kind = (raised.file, raised.line, raised.error)
            counts[kind] += 1
            first.setdefault(kind, raised)
    return [(first[kind], count) for kind, count in counts.most_common()]


def never_understood(history: History) -> Iterator[str]:
    """What driver and gateway never understood of one another in the whole run, in words."""
    yield from _unmatched(history)
    yield from _only_rejected(history)


def _unmatched(history: History) -> Iterator[str]:
    """The driver's patterns that no message matched, though messages came."""
    matched = {event.pattern for _, event in history.of(PatternMatched)}
    if history.acked or any(True for _ in history.of(Failed)):
        matched.add(ANSWER)
    missed: dict[str, list[PatternMissed]] = defaultdict(list)
    for _, event in history.of(PatternMissed):
        if event.pattern not in matched:
            missed[event.pattern].append(event)
    for pattern, events in missed.items():
        yield (
            f"{sum(event.messages for event in events)} messages came while clients waited, and"
            f" the driver took none for {pattern} in the whole run; the first was {events[0].first}"
        )


def _only_rejected(history: History) -> Iterator[str]:
    """That nobody was answered anything but client errors, where it is so.

    Such an answer says that the request is wrong (RFC 9110, 15.5), and the driver makes it.
    """
    statuses: Counter[int | None] = Counter(event.status for _, event in history.of(ConnectFailed))
    statuses.update(event.status for _, event in history.of(Failed))
    del statuses[None]  # refused without an HTTP answer
    if history.acked or history.sessions or not statuses:
        return
    if all(status is not None and status // 100 == _CLIENT_ERROR for status in statuses):
        status, count = statuses.most_common(1)[0]
        yield (
            f"nobody was served in the whole run, and every answer was a client error (status"
            f" {status} {count} times): the driver's path, token or headers may be wrong"
        )
