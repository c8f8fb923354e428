"""Values as text, as flyctl makes it, which is written in Go."""

from __future__ import annotations

import math
from datetime import datetime


def as_text(value: object) -> str:
    """What a machine finds in its environment for a value of TOML."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(as_text, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{as_text(value[key])}' for key in sorted(value))}]"
    return _simple(value)


def _simple(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, datetime):
        return _instant(value)
    return "" if value is None else str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else str(value)


def _instant(value: datetime) -> str:
    """An instant has its offset and its zone's name; without an offset it is as in the file."""
    if value.tzinfo is None:
        return value.isoformat()
    offset = f"{value:%z}"
    local = value.replace(tzinfo=None).isoformat(sep=" ")
    return f"{local} {offset} {'UTC' if offset == '+0000' else offset}"
