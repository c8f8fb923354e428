"""What is allowed instead of a word that is not known: the end of many messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

_YAML = (".yaml", ".yml")


def suggest(found: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the one that may be meant, or all there are."""
    names = list(known)
    similar = difflib.get_close_matches(found, names, n=1, cutoff=0.6)
    if similar:
        return f"; did you mean `{similar[0]}`?"
    return f"; allowed: {listed(names, 'or')}" if names else "; there is none"


def listed(names: Iterable[str], last: str = "and") -> str:
    """Names as a message lists them: `a`, `b` and `c`."""
    quotes = [f"`{name}`" for name in names]
    if len(quotes) < 2:
        return "".join(quotes)
    return f"{', '.join(quotes[:-1])} {last} {quotes[-1]}"


def similar_file(path: Path) -> str:
    """The end of a message about a missing file: the one that may be meant, if any."""
    suffixes = _YAML if path.suffix in ("", *_YAML) else (path.suffix,)
    files = {other.stem: other for other in path.parent.glob("*") if other.suffix in suffixes}
    similar = difflib.get_close_matches(path.stem, files, n=1)
    return f"; did you mean `{files[similar[0]]}`?" if similar else ""
