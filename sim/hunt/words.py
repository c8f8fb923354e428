"""How stories write lists and sentences. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence


def listed(items: Sequence[str]) -> str:
    """One, two or more of them in a sentence."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def sentence(text: str) -> str:
    """A text as a sentence, in one line; a client's name keeps its small letter."""
    text = re.sub(r"\s+", " ", text).strip()
    name = "/" in text.partition(" ")[0]
    return (text if name else f"{text[:1].upper()}{text[1:]}") + ("" if text.endswith(".") else ".")
