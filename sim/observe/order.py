"""Whether messages are stored in the order in which they were sent.

The order is that of sending. A message had to be stored before another
where it was acknowledged before the other was sent, or where it went out before it on each
connection on which the other did. (One that was lost with its connection and sent again after a
newer one rightly comes after it.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sim.observe.events import Stored
from sim.observe.lives import Key, Life

_Places = Mapping[int, int]  # by connection: where on it the message first went out


@dataclass
class _Before:
    """What of a session is stored already, as far as order needs it.

    `on` has by the first of a message's connections, and then by all of them, the last sent one.
    """

    newest: tuple[int, int] | None = None  # when it was first sent, and its number
    on: dict[int, dict[tuple[int, ...], tuple[_Places, int]]] = field(default_factory=dict)

    def overtook(self, life: Life, places: _Places) -> int | None:
        """The number of a stored message before which this one had to be stored, or None."""
        if self.newest and life.acked_place is not None and life.acked_place < self.newest[0]:
            return self.newest[1]
        for connection in places:
            for theirs, seq in self.on.get(connection, {}).values():
                if all(c in places and places[c] < place for c, place in theirs.items()):
                    return seq
        return None

    def add(self, seq: int, life: Life, places: _Places) -> None:
        first = life.sendings[0].place
        if self.newest is None or first > self.newest[0]:
            self.newest = (first, seq)
        alike = self.on.setdefault(next(iter(places)), {})
        known = alike.get(tuple(places))
        if known is None or all(places[c] > place for c, place in known[0].items()):
            alike[tuple(places)] = (places, seq)


def out_of_order(
    stored: Iterable[Stored],
    lives: Mapping[Key, Life],
    doubted: Callable[[Key], bool],
) -> Iterator[tuple[Stored, int]]:
    """Messages of one session that are stored too late, with the number that overtook each."""
    before = _Before()
    seen: set[int] = set()
    for row in stored:
        key = (row.session, row.seq)
        if row.seq in seen or key not in lives or doubted(key):
            continue
        seen.add(row.seq)
        life = lives[key]
        places: dict[int, int] = {}
        for sending in life.sendings:
            places.setdefault(sending.connection, sending.place)
        overtaken_by = before.overtook(life, places)
        if overtaken_by is not None:
            yield row, overtaken_by
        before.add(row.seq, life, places)
