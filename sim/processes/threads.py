"""Threads that a user's driver leaves behind: a call that blocks for ever must keep nobody waiting.

Python itself waits for all of them, when a loop closes and again when the process exits.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

_PATIENCE_REAL_S = 1.0


class Workers(ThreadPoolExecutor):
    """A loop's default executor: its end does not wait for what its threads still do."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - theirs
        """See ThreadPoolExecutor."""
        super().shutdown(wait=False, cancel_futures=True)


def leave(code: int) -> NoReturn:
    """Exit with that code, without the threads that do not end soon."""
    others = [thread for thread in threading.enumerate() if not thread.daemon]
    others.remove(threading.main_thread())
    for thread in others:
        thread.join(_PATIENCE_REAL_S)
    if any(thread.is_alive() for thread in others):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
