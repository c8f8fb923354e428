"""JSON paths, as far as a gateway's messages need them.

`$.a.b`, `$['a b']`, `$[0]`, `$.items[*].n`: a subset of RFC 9535, of names, indices and wildcards.
Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(
    r"\.(?P<name>[A-Za-z_][\w-]*)|\.(?P<all>\*)|\[(?P<index>-?\d+)\]|\[(?P<every>\*)\]"
    r"|\['(?P<quoted>[^']*)'\]"
)
_EXAMPLES = "such as `$.seq`, `$.data.id` or `$.items[*].seq`"


@dataclass(frozen=True)
class JsonPath:
    """Where in a JSON value something is. A step of None is a wildcard."""

    text: str
    steps: tuple[str | int | None, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """The path as written. Raises ValueError with what is wrong."""
        if not text.startswith("$"):
            raise ValueError(f"found `{text}`; a JSON path begins with `$`, {_EXAMPLES}")
        steps: list[str | int | None] = []
        at = 1
        while at < len(text):
            step = _STEP.match(text, at)
            if step is None:
                raise ValueError(f"found `{text}`; `{text[at:]}` is no step of a path, {_EXAMPLES}")
            name = step["name"] if step["name"] is not None else step["quoted"]
            index = int(step["index"]) if step["index"] else None
            steps.append(name if name is not None else index)
            at = step.end()
        return cls(text, tuple(steps))

    def find(self, data: Any) -> list[Any]:
        """All values that it leads to, in order."""
        found = [data]
        for step in self.steps:
            found = [value for parent in found for value in _children(parent, step)]
        return found

    def is_in(self, data: Any) -> bool:
        """Whether data has that place, though it may be empty: `[]`, `{}` or null at a wildcard."""
        found = [data]
        for step in self.steps:
            parents = found
            found = [value for parent in parents for value in _children(parent, step)]
            if not found:
                return step is None and all(parent in ([], {}, None) for parent in parents)
        return True

    def first(self, data: Any) -> Any:
        """The first value that it leads to, or None."""
        return next(iter(self.find(data)), None)


def _children(parent: Any, step: str | int | None) -> list[Any]:
    match parent:
        case dict():
            if step is None:
                return list(parent.values())
            return [parent[step]] if isinstance(step, str) and step in parent else []
        case list():
            if step is None:
                return list(parent)
            return (
                [parent[step]]
                if isinstance(step, int) and -len(parent) <= step < len(parent)
                else []
            )
    return []
