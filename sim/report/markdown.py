"""Markdown that says what is meant, whatever the names in it say."""

from __future__ import annotations

import re
from collections.abc import Sequence

VERDICTS = {"held": "✅ held", "failed": "❌ failed", "unknown": "❔ unknown"}
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~@!$&])")  # what Markdown, or GitHub's, makes something of


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """A table; its last `numbers` columns are aligned to the right."""
    rules = ["---"] * (len(head) - numbers) + ["--:"] * numbers
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rules, *rows))


def text(value: object) -> str:
    """A value as text that Markdown makes nothing of, on one line."""
    return _ACTIVE.sub(r"\\\1", " ".join(str(value).split()))
