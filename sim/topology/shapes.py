"""What a value looks like in a file, as JSON Schema, beside the function that reads it.

`shaped` puts it there, `shape_of` finds it: so the schemas that editors use come from the loaders.
A shape must let through whatever its reader takes. What it cannot say (names that the topology
must have, the order of two times) only the reader knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

Shape: TypeAlias = Mapping[str, Any]
F = TypeVar("F", bound=Callable[..., Any])

_NUMBER = r"[0-9]{1,12}(\.[0-9]{1,9})?"


def _text(pattern: str, *examples: str) -> Shape:
    return {"type": "string", "pattern": f"^({pattern})$", "examples": [*examples]}


DURATION = _text(
    rf"{_NUMBER}\s?(ms|s|m|h)"
    r"|([0-9]{1,12}h)?([0-9]{1,12}m)?([0-9]{1,12}s)?[0-9]{1,12}ms"
    r"|([0-9]{1,12}h)?([0-9]{1,12}m)?[0-9]{1,12}s|([0-9]{1,12}h)?[0-9]{1,12}m",
    "250ms",
    "30s",
    "2m",
)
RATE = _text(rf"{_NUMBER}\s?(bps|kbps|mbps|gbps)", "64kbps", "10mbps")
SIZE = _text(rf"{_NUMBER}\s?(B|KiB|MiB|GiB)", "512B", "64KiB")
SHARE = _text(rf"{_NUMBER}%", "5%")
FREQUENCY = _text(rf"{_NUMBER}/[sm]", "20/s")
TEXT: Shape = {"type": "string"}
SCALAR: Shape = {"type": ["string", "number", "boolean"]}  # what YAML makes of a text unquoted
COUNT: Shape = {"type": "integer", "minimum": 0}
WORDS: Shape = {"type": "array", "items": SCALAR, "minItems": 1}


def either(*shapes: Shape) -> Shape:
    """The shape of a value that may have one of several."""
    return {"anyOf": [*shapes]}


def shaped(shape: Shape) -> Callable[[F], F]:
    """Says what a reader takes."""

    def put(reader: F) -> F:
        reader.shape = shape  # type: ignore[attr-defined] # where `shape_of` looks
        return reader

    return put


def also(shape: Shape) -> Callable[[F], F]:
    """Says what a reader takes besides what is checked behind it."""

    def put(reader: F) -> F:
        reader.also = shape  # type: ignore[attr-defined] # where `also_of` looks
        return reader

    return put


def also_of(reader: object) -> Shape | None:
    """What a reader takes besides, if it says so."""
    shape: Shape | None = getattr(reader, "also", None)
    return shape


def shape_of(reader: object) -> Shape | None:
    """What a reader takes, if it says so."""
    shape: Shape | None = getattr(reader, "shape", None)
    return shape
