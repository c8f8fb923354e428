"""The user's cache directory: what is made once and used by every world."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """Ours in it, by the XDG base directory specification. It need not be there."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "multi-region-sim"
