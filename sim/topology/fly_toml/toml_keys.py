"""The keys of a fly.toml as flyctl takes them: in any case, but for names of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Tables whose keys are names of the user's, as those of `checks` are, of which each is a table.
_OWN_NAMES = frozenset({"env", "processes", "args", "headers"})


def folded(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same data, its keys in lower case. Of two that are then the same the lower case wins."""
    return {
        key.lower(): _below(key.lower(), value)
        for key, value in data.items()
        if key.islower() or key.lower() not in data
    }


def _below(name: str, value: Any) -> Any:
    if name in _OWN_NAMES:
        return value
    if name == "checks" and isinstance(value, dict):
        return {own: _folded(check) for own, check in value.items()}
    return _folded(value)


def _folded(value: Any) -> Any:
    if isinstance(value, dict):
        return folded(value)
    return [_folded(item) for item in value] if isinstance(value, list) else value
