"""What is printed when nobody reads it (`| head`), the terminal is gone, or the disk is full.

Python's own way is an exception out of whatever printed last, in the middle of a run even.
"""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from sim.errors import EnvironmentLacksError, SimError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_NOBODY_READS = (errno.EPIPE, errno.EIO)


class Unread(SimError):  # noqa: N818 - it is no error: who reads has read enough
    """Nobody reads stdout any more, so that the command has ended and cleaned up."""

    exit_code = 141  # as of a program that SIGPIPE ends


class _Outlet(io.FileIO):
    """Where a stream's bytes go; after a failure, nowhere, so that cleaning up may still print."""

    def __init__(self, descriptor: int, *, tells: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._tells = tells
        self._failed = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or drop. Where it tells, the first failure is raised, as a SimError."""
        try:
            return len(memoryview(data)) if self._failed else super().write(data)
        except OSError as error:
            self._failed = True
            if not self._tells:
                return len(memoryview(data))
            if error.errno in _NOBODY_READS:
                raise Unread from None
            raise EnvironmentLacksError(
                f"what is printed cannot be written: {error.strerror}",
                "make room there, or send it elsewhere",
            ) from error


@contextmanager
def outlets() -> Iterator[None]:
    """In this block a stdout that cannot be written ends the command, a stderr is done without."""
    before = sys.stdout, sys.stderr
    sys.stdout = _through(sys.stdout, sys.__stdout__, tells=True)
    sys.stderr = _through(sys.stderr, sys.__stderr__, tells=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _through(stream: TextIO, own: TextIO | None, *, tells: bool) -> TextIO:
    """The stream with an outlet at its end; one that somebody put there, as tests do, is theirs."""
    if stream is not own or not isinstance(stream, io.TextIOWrapper):
        return stream
    outlet = io.BufferedWriter(_Outlet(stream.fileno(), tells=tells))
    line_buffering = stream.isatty() or not tells
    return io.TextIOWrapper(outlet, stream.encoding, stream.errors, line_buffering=line_buffering)
