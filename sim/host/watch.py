"""The watch on the host: how late the simulator's own loop ran, and who waited for a processor.

Every 20 real milliseconds it looks how late the loop is, and every 100 how long each part of the
world waited for a processor since it last looked. What matters is journaled; of a quiet host
nothing is. Looking may take a hundredth of the time: what would take more is done less often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from sim.clock import Clock
from sim.host import schedstat
from sim.observe.events import HostStalled, ProcessorWaits
from sim.observe.journal import Journal
from sim.observe.noise import OURS

_TICK_REAL_MS = 20.0
_STALL_REAL_MS = 50.0  # a loop that is later than this is told of at once
_PUNCTUAL_REAL_MS = 2.0  # no timer of a loop is more exact
_WINDOW_REAL_MS = 100.0
_MATTERS_REAL_MS = 2.0
# A program that writes to the disk waits for it at all times: more than this is a disk overrun.
_DISK_SHARE = 0.5
_SHARE = 0.01  # of the time that looking may take
_FAMILY_REAL_MS = 1000.0  # how often it is looked who has started whom

Parts = Callable[[], Mapping[str, int]]


class HostWatch:
    """Journals HostStalled and ProcessorWaits from `start` to `stop`.

    `parts` gives the main process of each part of the world that runs, by the part's name.
    """

    def __init__(self, clock: Clock, journal: Journal, parts: Parts = dict) -> None:
        self._clock = clock
        self._journal = journal
        self._parts = parts
        self._timer: asyncio.TimerHandle | None = None
        self._due_ms = 0.0
        self._late_ms = 0.0  # small lags of this window
        self._latest_ms = 0.0  # the longest of them
        self._looked_ms = 0.0
        self._look_again_ms = 0.0
        self._tells = schedstat.supported()
        self._own_ms = 0.0
        self._beside_ms: dict[str, float] = {}
        self._tasks_ms: dict[tuple[int, int], float] = {}
        self._families: dict[str, tuple[int, set[int]]] = {}
        self._families_ms = 0.0
        self.kept_ms = 0.0  # real milliseconds for which some part waited, since the start

    def start(self) -> None:
        """Begin to watch."""
        self._looked_ms = self._clock.real_ms()
        self._look_again_ms = self._looked_ms + _WINDOW_REAL_MS
        if self._tells:
            self._own_ms = schedstat.own_thread_ms()
        self._beside_ms = _beside()
        self._set()

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self._due_ms = self._clock.real_ms() + _TICK_REAL_MS
        self._timer = self._clock.call_later(_TICK_REAL_MS / 1000 * self._clock.speed, self._tick)

    def _tick(self) -> None:
        now_ms = self._clock.real_ms()
        late_ms = now_ms - self._due_ms
        stalled_ms = 0.0
        if late_ms > _STALL_REAL_MS:
            stalled_ms = late_ms
            self.kept_ms += late_ms
            self._journal.write(HostStalled(round(late_ms, 1)))
        elif late_ms > _PUNCTUAL_REAL_MS:
            self._late_ms += late_ms
            self._latest_ms = max(self._latest_ms, late_ms)
        if now_ms >= self._look_again_ms or stalled_ms:
            self._look(now_ms, stalled_ms)
        self._set()

    def _look(self, now_ms: float, stalled_ms: float) -> None:
        window_ms = now_ms - self._looked_ms
        waited = {} if not self._tells else self._of_parts(now_ms)
        waited[OURS] = self._of_ours(stalled_ms)
        beside = _beside()
        waited |= {name: ms - self._beside_ms.get(name, ms) for name, ms in beside.items()}
        self._beside_ms = beside
        if waited["disk"] < _DISK_SHARE * window_ms:
            del waited["disk"]
        self.kept_ms += min(window_ms - stalled_ms, max(waited.values()))
        told = {name: round(ms, 1) for name, ms in waited.items() if ms >= _MATTERS_REAL_MS}
        if told:
            self._journal.write(
                ProcessorWaits(round(window_ms, 1), told, self._longest_lag_ms(stalled_ms))
            )
        self._looked_ms, self._late_ms, self._latest_ms = now_ms, 0.0, 0.0
        cost_ms = self._clock.real_ms() - now_ms
        self._look_again_ms = now_ms + max(_WINDOW_REAL_MS, min(1000.0, cost_ms / _SHARE))

    def _longest_lag_ms(self, stalled_ms: float) -> float:
        return round(max(_PUNCTUAL_REAL_MS, self._latest_ms, stalled_ms), 1)

    def _of_ours(self, stalled_ms: float) -> float:
        """What the loop's thread waited, or was late, without what was told as a stall."""
        if not self._tells:
            return self._late_ms
        before_ms, self._own_ms = self._own_ms, schedstat.own_thread_ms()
        return max(self._own_ms - before_ms - stalled_ms, self._late_ms)

    def _of_parts(self, now_ms: float) -> dict[str, float]:
        """Of each part what the thread waited that waited most: a request passes one of them."""
        self._who(now_ms)
        waited: dict[str, float] = {}
        tasks_ms: dict[tuple[int, int], float] = {}
        for name, (_, pids) in self._families.items():
            most_ms = 0.0
            for pid in pids:
                for tid in schedstat.tasks_of(pid):
                    total_ms = schedstat.task_ms(pid, tid)
                    if total_ms is None:
                        continue
                    tasks_ms[pid, tid] = total_ms
                    most_ms = max(most_ms, total_ms - self._tasks_ms.get((pid, tid), 0.0))
            waited[name] = most_ms
        self._tasks_ms = tasks_ms
        return waited

    def _who(self, now_ms: float) -> None:
        """Find the processes of the parts, anew where a part has another main process."""
        parts = self._parts()
        again = now_ms >= self._families_ms
        if again:
            self._families_ms = now_ms + _FAMILY_REAL_MS
        kept = {} if again else self._families
        self._families = {
            name: old
            if (old := kept.get(name)) and old[0] == pid
            else (pid, {*schedstat.family([pid])})
            for name, pid in parts.items()
        }


def _beside() -> dict[str, float]:
    return {
        "steal": schedstat.stolen_ms(),
        "memory": schedstat.short_of_memory_ms(),
        "disk": schedstat.at_the_disk_ms(),
    }
