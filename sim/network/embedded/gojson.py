"""JSON bodies as Go's encoding/json reads them into Toxiproxy's structs.

Keys match case-insensitively, unknown keys are ignored, null is as good as absent, whatever
follows the first value is ignored, and a value of another type is an error.
"""

from __future__ import annotations

import json
import math
from typing import Any

_MAX_INT = 2**63
_MAX_FLOAT32 = 3.4028235677973366e38


class BodyError(ValueError):
    """The body cannot be read; the message follows `bad request body: `."""


_decoder = json.JSONDecoder()


def first_value(body: bytes) -> Any:
    """The first JSON value of a body. Raises BodyError."""
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        raise BodyError("EOF")
    try:
        return _decoder.raw_decode(text)[0]
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        raise BodyError("unexpected EOF" if ended else str(error)) from error
    except (RecursionError, ValueError) as error:  # nested too deeply, a number of too many digits
        raise BodyError(str(error)) from error


def fields(value: Any, what: str, *names: str) -> dict[str, Any]:
    """Those of an object's fields that are named and not null. Raises BodyError."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BodyError(f"json: cannot unmarshal {_kind(value)} into Go value of type {what}")
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = next((name for name in names if name == key.lower()), None)
        if name and item is not None:
            found[name] = item
    return found


def string(values: dict[str, Any], name: str, default: str) -> str:
    """A string field. Raises BodyError."""
    value = values.get(name, default)
    if not isinstance(value, str):
        raise _mismatch(value, name, "string")
    # A lone surrogate is no character: Go puts U+FFFD in its place.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def boolean(values: dict[str, Any], name: str, *, default: bool) -> bool:
    """A boolean field. Raises BodyError."""
    value = values.get(name, default)
    if not isinstance(value, bool):
        raise _mismatch(value, name, "bool")
    return value


def number(values: dict[str, Any], name: str, default: float) -> float:
    """A 32-bit float field. Raises BodyError."""
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(value, name, "float32")
    if not math.isfinite(value) or abs(value) > _MAX_FLOAT32:
        raise _mismatch(value, name, "float32")
    return value


def integer(values: dict[str, Any], name: str) -> int:
    """A 64-bit integer field that is there. Raises BodyError."""
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise _mismatch(value, name, "int64")
    if not -_MAX_INT <= value < _MAX_INT:
        raise _mismatch(value, name, "int64")
    return value


def _mismatch(value: Any, name: str, wanted: str) -> BodyError:
    found = _kind(value)
    if found == "number" and wanted not in {"string", "bool"}:
        found += f" {str(value)[:30]}"  # one that does not fit
    return BodyError(
        f"json: cannot unmarshal {found} into Go struct field .{name} of type {wanted}"
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "string"
