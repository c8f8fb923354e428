"""What a test is told by raising: broken expectations, clients cut off, no end in sight."""

from __future__ import annotations

from sim.scenario.checks import Finding


class ExpectationError(AssertionError):
    """An expectation did not hold. `finding.held` is None where the world so far cannot tell."""

    def __init__(self, asked: str, finding: Finding) -> None:
        self.asked = asked
        self.finding = finding
        unknown = "unknown: it neither held nor failed"
        lines = [f"{asked}: {unknown if finding.held is None else 'FAILED'}"]
        lines.append(f"  observed: {finding.observed}")
        if finding.why:
            lines.append(f"  why: {finding.why}")
        super().__init__("\n".join(lines))


class CutOffError(ConnectionError):
    """A client got no answer; the message says from whom and why."""


class NotSettledError(TimeoutError):
    """The health checker has not looked at everything in time; the message says at what."""
