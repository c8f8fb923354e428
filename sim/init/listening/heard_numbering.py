"""Which messages of a client carry what it has to say, and how the gateway acknowledges them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sim.init.listening.leaves import Place, keeps_alive, kind, leaves, same

Spoken = tuple[str, Any]  # by whom, and the parsed message


@dataclass(frozen=True)
class Numbering:
    """The kind of message that counts, and that of its acknowledgement.

    `number` and `echoed` are where its number is in both; None where no value comes back.
    """

    first: int
    said: Any
    answered: Any | None
    number: Place | None = None
    echoed: Place | None = None
    times: int = 0


def find_numbering(spoken: Sequence[Spoken]) -> Numbering | None:
    """What comes back most often; where nothing does, what is said most often."""
    return max(_echoes(spoken), key=lambda n: (n.times, n.first), default=_by_order(spoken))


def _echoes(spoken: Sequence[Spoken]) -> Iterator[Numbering]:
    """Each place in a kind of the client's messages whose value comes back in answers."""
    for group in _groups(spoken).values():
        for place in _distinct(spoken, group):
            answers = Counter[tuple[tuple[object, ...], Place]]()
            examples = {}
            for at in group:
                value = dict(leaves(spoken[at][1]))[place]
                for of_kind, where, answer in _answers(spoken, at, value):
                    answers[of_kind, where] += 1
                    examples[of_kind, where] = answer
            if answers:
                (found, times) = answers.most_common(1)[0]
                said, answer = spoken[group[-1]][1], examples[found]
                yield Numbering(group[0], said, answer, place, found[1], times)


def _groups(spoken: Sequence[Spoken]) -> dict[tuple[object, ...], list[int]]:
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, (by, value) in enumerate(spoken):
        if by == "client" and not keeps_alive(value) and not isinstance(value, bytes):
            groups.setdefault(kind(value), []).append(number)
    return groups


def _distinct(spoken: Sequence[Spoken], group: Sequence[int]) -> Iterator[Place]:
    """Places whose values name a message: no two messages have the same there."""
    for place, first in leaves(spoken[group[0]][1]):
        values = [dict(leaves(spoken[at][1])).get(place) for at in group]
        named = all(isinstance(v, int | str) and not isinstance(v, bool) for v in values)
        if named and len({*map(str, values)}) == len(group) and (len(group) > 1 or _counts(first)):
            yield place


def _counts(value: object) -> bool:
    """Whether a value that was seen once looks like a number or an id of a message."""
    return str(value).isdigit() or (isinstance(value, str) and " " not in value and len(value) > 7)


def _answers(
    spoken: Sequence[Spoken], at: int, value: object
) -> Iterator[tuple[tuple[object, ...], Place, Any]]:
    for by, answer in spoken[at + 1 :]:
        if by != "gateway":
            continue
        found = [place for place, other in leaves(answer) if same(value, other)]
        if found:
            yield kind(answer), found[0], answer
            return


def _by_order(spoken: Sequence[Spoken]) -> Numbering | None:
    """The commonest kind of the client's, and the commonest answer right behind it."""
    groups = _groups(spoken)
    if not groups:
        return None
    group = max(groups.values(), key=lambda found: (len(found), found[0]))
    behind = Counter[tuple[object, ...]]()
    examples = {}
    for at in group:
        rest = (v for by, v in spoken[at + 1 :] if by == "gateway" and not keeps_alive(v))
        if (answer := next(rest, None)) is not None:
            behind[kind(answer)] += 1
            examples[kind(answer)] = answer
    if not behind:
        return Numbering(group[0], spoken[group[-1]][1], None)
    commonest, times = behind.most_common(1)[0]
    return Numbering(group[0], spoken[group[-1]][1], examples[commonest], times=times)
