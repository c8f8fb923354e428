"""Identifiers of requests, in the form that Fly.io gives them: a ULID and the edge's region."""

from __future__ import annotations

from sim.clock import Clock

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


class RequestIds:
    """Ascending ULIDs: 48 bits of milliseconds, then a counter in place of chance.

    The ULID specification's monotonic mode counts up within a millisecond; counting throughout
    keeps runs reproducible. The time is the clock's, not the calendar's.
    """

    def __init__(self, region: str, clock: Clock) -> None:
        self._region = region
        self._clock = clock
        self._count = 0

    def next(self) -> bytes:
        """A fresh identifier, such as 00000000001J00000000000005-fra."""
        self._count += 1
        number = (int(self._clock.now() * 1000) << _RANDOM_BITS) | self._count
        digits = [_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5)]
        return f"{''.join(digits)}-{self._region}".encode()
