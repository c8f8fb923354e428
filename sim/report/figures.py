"""Figures of a report as its JSON has them."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def rounded(seconds: float) -> float:
    """Seconds to the millisecond."""
    return round(seconds, 3)
