"""Dividing a whole number of clients by shares, and clients among kinds (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")


def largest_remainder(total: int, shares: Mapping[K, float]) -> dict[K, int]:
    """How many of `total` each key gets: its quota rounded down, the rest to the largest fractions.

    Hamilton's method; ties go to the key that comes first. Shares need not add up to anything.
    """
    whole = sum(shares.values())
    if whole <= 0:
        raise ValueError("shares add up to nothing")
    quotas = {key: total * share / whole for key, share in shares.items()}
    counts = {key: int(quota) for key, quota in quotas.items()}
    by_fraction = sorted(quotas, key=lambda key: counts[key] - quotas[key])
    for key in by_fraction[: total - sum(counts.values())]:
        counts[key] += 1
    return counts


def interleave(total: int, shares: Mapping[K, float]) -> list[K]:
    """One key for each of `total`, mixed so evenly that any stretch has about the right shares.

    Smooth weighted round robin: each step the key that is furthest behind its quota is next.
    """
    counts = largest_remainder(total, shares)
    behind = dict.fromkeys(counts, 0.0)
    order: list[K] = []
    for _ in range(total):
        for key, count in counts.items():
            behind[key] += count
        chosen = max(behind, key=lambda key: behind[key])
        behind[chosen] -= total
        order.append(chosen)
    return order
