"""Gives memory back to the system when connections that held much of it let go.

glibc's allocator keeps what is freed between two things that are still in use, so the most that a
server ever held would be its size for ever. `malloc_trim` (malloc_trim(3)) finds it; other C
libraries have none, and give back by themselves.
"""

from __future__ import annotations

import asyncio
import ctypes

_WORTH_BYTES = 1024 * 1024
_WAIT_REAL_S = 1.0  # connections end in crowds: once for all of them


class Memory:
    """What the connections of a server held and no longer do."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._let_go = 0
        self._waiting: asyncio.TimerHandle | None = None

    def let_go(self, size: int) -> None:
        """A path that held so many bytes at most holds them no longer."""
        self._let_go += size
        if self._trim and not self._waiting and self._let_go >= _WORTH_BYTES:
            self._waiting = asyncio.get_running_loop().call_later(_WAIT_REAL_S, self._give_back)

    def _give_back(self) -> None:
        self._waiting, self._let_go = None, 0
        assert self._trim  # noqa: S101 - a type checker's aid: else nothing waits
        self._trim(0)
