"""limit_data: the connection ends after so many bytes."""

from __future__ import annotations

from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Item, Mark, Stage, Toxic, attribute, toxic


@toxic("limit_data", summary="the connection ends after so many bytes")
@dataclass(frozen=True)
class LimitData(Toxic):
    """The socket sees exactly `bytes` bytes and then a FIN, and so does the sender.

    Counted for each connection from when the toxic joined it; an update keeps the count.
    With 0 the connection stays open until the first chunk, of which nothing passes.
    """

    bytes: int = attribute("bytes")

    def stage(self, context: Context) -> Stage:  # noqa: ARG002 - it needs none
        """A stage that counts."""
        return _Counter(self)


class _Counter(Stage):
    def __init__(self, toxic: LimitData) -> None:
        super().__init__()
        self._limit = toxic.bytes
        self._count = 0
        self._ended = False

    def update(self, toxic: LimitData, now: float) -> None:  # noqa: ARG002 - bytes, not time
        self._limit = toxic.bytes

    def push(self, item: Item, at: float) -> None:
        if self._ended:
            return
        if not isinstance(item, bytes):
            super().push(item, at)
            return
        passed = item[: max(0, self._limit - self._count)]
        self._count += len(passed)
        if passed:
            super().push(passed, at)
        if self._count >= self._limit:
            self._ended = True
            super().push(Mark.END_BOTH, at)
