"""What was promised of a session, by its acknowledgements, and what its driver says of that. Pure.

A driver says at a resumption which message is the last that it knows to be acknowledged. What it
has told of acknowledgements says so too, and where the two differ nothing follows for the gateway.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.observe.events import SessionReady
from sim.observe.numbers import Numbers


@dataclass
class Promised:
    """One client's session. `highest` is the last message that the gateway has said it has."""

    highest: int = 0
    _acked: Numbers = field(default_factory=Numbers)
    _unanswered: set[int] = field(default_factory=set)

    def sent(self, seq: int) -> None:
        """A message went out."""
        if seq not in self._acked:
            self._unanswered.add(seq)

    def acked(self, seq: int) -> None:
        """It was acknowledged."""
        self._unanswered.discard(seq)
        self._acked.add(seq)
        self.highest = max(self.highest, seq)

    def refused(self, seq: int) -> None:
        """It was refused for certain."""
        self._unanswered.discard(seq)

    def mistake(self, ready: SessionReady) -> str:
        """What the driver says wrongly where that decides whether the gateway has forgotten."""
        least = self._up_to()
        if self.highest <= ready.acked < ready.remembered:
            said, right = ready.remembered, self.highest
        elif ready.resumed and ready.remembered <= ready.acked < least:
            said, right = ready.remembered, least
        else:
            return ""
        return (
            f"{ready.client}'s driver told that {said} is the last message of session"
            f" {ready.session} that was acknowledged, and by `client.acked` it is {right}: that is"
            " what `remembered` has to be (docs/drivers.md)"
        )

    def _up_to(self) -> int:
        """Up to which message all of them were acknowledged."""
        if not self._unanswered:
            return self.highest
        before = min(self._unanswered)
        return self._acked.last_before(before) or 0
