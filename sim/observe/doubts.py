"""Why a run proves less than it should: parts of ours that failed, a driver that is mistaken. Pure.

A cut link that TCP noticed nothing of proves nothing of programs that rely on TCP's timers.

Whether a driver that never gets what it waits for is mistaken, or the gateway is, nobody can tell
from outside. So nothing that follows from it is held against the gateway.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sim.observe.events import (
    ConnectFailed,
    Disconnected,
    DriverRaised,
    Failed,
    FaultFailed,
    PartFailed,
    PatternMatched,
    PatternMissed,
)
from sim.observe.events.mishaps import ANSWER
from sim.observe.history import History
from sim.observe.stilled_timers import stilled_timers

_CLIENT_ERROR = 4  # the hundreds of a status
# Of protocol, type, content, policy, size, extension; unauthorized and forbidden (IANA's registry).
_CLIENT_CODES = frozenset({1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003})
_PRIVATE_CODES = 4000
_MOST_RAISED = 5  # kinds of a driver's mistakes that are told as reasons; the report has all


def doubts(history: History) -> Iterator[str]:
    """Why this run cannot be trusted, where it cannot, in words."""
    for t, part in history.of(PartFailed):
        yield f"{part.part} failed at {t:.1f} s: {part.reason}"
    for t, fault in history.of(FaultFailed):
        yield f"{fault.fault} {fault.target} could not be done at {t:.1f} s: {fault.reason}"
    by_link = {found.seen.link: found for found in stilled_timers(history)}
    yield from (found.words for found in by_link.values())  # one of each link says it
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
    if history.answered or any(True for _ in history.of(Failed)):
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

    Such a status says that the request is wrong (RFC 9110, 15.5), such a code that what was said on
    the connection is (RFC 6455, 7.4), and the driver makes both.
    """
    if history.answered or history.sessions:
        return
    answers: Counter[str] = Counter()
    statuses = [event.status for _, event in history.of(ConnectFailed)]
    statuses += [event.status for _, event in history.of(Failed)]
    for status in statuses:
        if status is not None:  # else it was refused without an HTTP answer
            if status // 100 != _CLIENT_ERROR:
                return
            answers[f"status {status}"] += 1
    for _, end in history.of(Disconnected):
        if end.code is not None and end.how == "closed" and not end.expected:
            if not _blames_the_client(end.code):
                return
            reason = f" ({end.close_reason})" if end.close_reason else ""
            answers[f"closed with code {end.code}{reason}"] += 1
    for answer, count in answers.most_common(1):
        yield (
            f"nobody was served in the whole run, and every answer was a client error ({answer},"
            f" {count} times): the driver's path, token, headers or protocol may be wrong, which"
            " `sim driver` shows against a gateway that runs"
        )


def _blames_the_client(code: int) -> bool:
    """Whether a close code says that the client's data, protocol or rights are wrong.

    Those from 4000 on are the gateway's own words; it has others for what is its own failure.
    """
    return code in _CLIENT_CODES or code >= _PRIVATE_CODES
