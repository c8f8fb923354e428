"""A world's own event loop, in a thread of its own, and how code on any other loop waits for it.

A test has the loop that its plugin gave it: pytest-asyncio's, which differs from scope to scope,
one of anyio's, asyncio or trio, or none at all. A world lives longer than some of these and beside
others, and its checks, links and clients must go on while a test computes or blocks. So no world
runs on a test's loop: what a test awaits is run here, and only its result is handed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from sim.processes.threads import Workers

T = TypeVar("T")


class Portal:
    """A running loop in a thread. `close` ends both."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        started = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(started),), name="sim-world", daemon=True
        )
        self._thread.start()
        started.wait()

    def __repr__(self) -> str:
        return f"<Portal {'running' if self._thread.is_alive() else 'closed'}>"

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(Workers())
        self._closing = asyncio.Event()
        started.set()
        await self._closing.wait()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; the calling thread waits for it. Interrupted, it cancels it."""
        future = self._submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, awaited on asyncio or trio. Cancelled, it cancels `work`."""
        future = self._submit(work)
        # Whoever runs on trio has imported it.
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            return await _in_trio(trio, future)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """End the loop and its thread; what still runs in it is cancelled."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        if not self._thread.is_alive():
            work.close()
            raise RuntimeError("the world has ended")
        return asyncio.run_coroutine_threadsafe(work, self._loop)


async def _in_trio(trio: Any, future: Future[T]) -> T:
    done = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def wake(_: Future[T]) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(done.set)

    future.add_done_callback(wake)
    try:
        await done.wait()
    except trio.Cancelled:
        future.cancel()
        raise
    return future.result()
