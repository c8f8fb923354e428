"""Sets of the numbers of messages, which mostly follow one another: kept as ranges. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator


class Numbers:
    """A set of whole numbers, as the ranges of which it consists: from `starts` to before `ends`.

    Two are equal that have the same numbers.
    """

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def __repr__(self) -> str:
        return f"<Numbers, {len(self)} in {len(self.starts)} ranges>"

    def add(self, number: int) -> None:
        """Take a number in."""
        starts, ends = self.starts, self.ends
        if ends and number == ends[-1]:
            ends[-1] += 1
            return
        after = bisect_right(starts, number)
        if after and number < ends[after - 1]:
            return
        follows = after > 0 and ends[after - 1] == number
        leads = after < len(starts) and starts[after] == number + 1
        if follows and leads:
            ends[after - 1] = ends.pop(after)
            del starts[after]
        elif follows:
            ends[after - 1] += 1
        elif leads:
            starts[after] = number
        else:
            starts.insert(after, number)
            ends.insert(after, number + 1)

    def __contains__(self, number: int) -> bool:
        after = bisect_right(self.starts, number)
        return after > 0 and number < self.ends[after - 1]

    def __len__(self) -> int:
        return sum(self.ends) - sum(self.starts)

    def __iter__(self) -> Iterator[int]:
        for start, end in zip(self.starts, self.ends, strict=True):
            yield from range(start, end)

    def within(self, other: Numbers) -> bool:
        """Whether the other set has all of them."""
        for start, end in zip(self.starts, self.ends, strict=True):
            after = bisect_right(other.starts, start)
            if not after or other.ends[after - 1] < end:
                return False
        return True

    def last_before(self, number: int) -> int | None:
        """The highest of them below a number."""
        after = bisect_right(self.starts, number - 1)
        return min(self.ends[after - 1], number) - 1 if after else None

    @property
    def highest(self) -> int | None:
        """The highest of them."""
        return self.ends[-1] - 1 if self.ends else None

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """The ranges, which say all of the set."""
        return tuple(zip(self.starts, self.ends, strict=True))
