"""A journal's records in memory: in order, read as often as somebody asks, and small. Pure.

An event is some hundred bytes of objects, and a long run has millions. So all but the latest are
packed: of each thousand the order of their kinds, and each kind's fields column by column, for what
stands in a column is alike. That is a twentieth of what they are on disk, and a record is unpacked
when it is read.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise, repeat
from operator import eq
from typing import Any, NamedTuple, overload

from sim.observe.events import KINDS, Event


class Record(NamedTuple):
    """An event and when it was written, in simulated seconds since the world was made."""

    t: float
    event: Event


_PACKED = 1024  # a millisecond's work, by which the loop of a live world is late
_LEVEL = 1  # of zlib; more takes longer for little
_MICRO = 1e6
_BY_NUMBER = tuple(KINDS.values())
_NUMBERS = {kind: number for number, kind in enumerate(_BY_NUMBER)}


class Records(Sequence[Record]):
    """The records of a journal; more can be added at the end."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._packed: list[bytes] = []
        self._latest: list[Record] = []
        self._unpacked: tuple[int, list[Record]] = (-1, [])
        for record in records:
            self.append(record)

    def __repr__(self) -> str:
        return f"<Records of {len(self)} events>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Records | list):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # more can be added

    def copy(self) -> Records:
        """The same records, to which none is added here; those that are packed are there once."""
        other = Records()
        while True:  # another thread may be packing the latest
            latest = self._latest
            other._packed, other._latest = [*self._packed], [*latest]
            if self._latest is latest and len(other._latest) < _PACKED:
                return other

    def append(self, record: Record) -> None:
        """Add a record."""
        self._latest.append(record)
        if len(self._latest) == _PACKED:
            self._packed.append(_pack(self._latest))
            self._latest = []

    def __len__(self) -> int:
        return len(self._packed) * _PACKED + len(self._latest)

    def __iter__(self) -> Iterator[Record]:
        return self.among(_NUMBERS)

    def among(self, kinds: Collection[type[Event]]) -> Iterator[Record]:
        """The records of these kinds alone, which takes less than to read them all."""
        numbers = frozenset(_NUMBERS[kind] for kind in kinds)
        for block in self._packed:
            yield from _unpack(block, numbers)
        yield from (record for record in self._latest if type(record.event) in kinds)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        block, place = divmod(index, _PACKED)
        if block == len(self._packed):
            return self._latest[place]
        if self._unpacked[0] != block:
            self._unpacked = (block, [*_unpack(self._packed[block], frozenset(_NUMBERS.values()))])
        return self._unpacked[1][place]


def _pack(records: Sequence[Record]) -> bytes:
    order = bytes(_NUMBERS[type(event)] for _, event in records)
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for number, (t, event) in zip(order, records, strict=True):
        rows.setdefault(number, []).append((t, *vars(event).values()))
    columns = {
        number: [_narrowed(column) for column in zip(*those, strict=True)]
        for number, those in rows.items()
    }
    return zlib.compress(pickle.dumps((order, columns), pickle.HIGHEST_PROTOCOL), _LEVEL)


def _unpack(block: bytes, numbers: Collection[int]) -> Iterator[Record]:
    # What is read is what was packed here.
    order, columns = pickle.loads(zlib.decompress(block))  # noqa: S301
    rows = {
        number: _records(_BY_NUMBER[number], *map(_widened, those))
        for number, those in columns.items()
        if number in numbers
    }
    return (next(rows[number]) for number in order if number in rows)


def _records(kind: type[Event], times: Iterable[float], *fields: Iterable[Any]) -> Iterator[Record]:
    return map(Record, times, map(kind, *fields) if fields else repeat(kind()))


def _narrowed(column: tuple[Any, ...]) -> tuple[Any, ...] | list[int]:
    """A column of times or durations as what lies between two of them, in millionths.

    As all others it stays as it is where this would not be the very same.
    """
    if not all(type(value) is float and abs(value) < _MICRO for value in column):
        return column
    micros = [round(value * _MICRO) for value in column]
    if any(m / _MICRO != value for m, value in zip(micros, column, strict=True)):
        return column
    return [micros[0], *(after - before for before, after in pairwise(micros))]


def _widened(column: tuple[Any, ...] | list[int]) -> Iterable[Any]:
    if isinstance(column, list):
        return (micros / _MICRO for micros in accumulate(column))
    return column
