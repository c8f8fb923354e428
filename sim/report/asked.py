"""What was expected, in words."""

from __future__ import annotations

from sim.report.document import Document
from sim.scenario.checks import CHECKS


def asked(row: Document) -> str:
    """A report's expectation in words; its check's name alone where this version has no such."""
    spec = CHECKS.get(row["check"])
    return spec.asked(row) if spec else str(row["check"])
