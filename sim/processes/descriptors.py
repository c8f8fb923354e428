"""How many files this process may have open at a time."""

from __future__ import annotations

import resource


def take_descriptors() -> None:
    """Raise the limit of open files to what this user may have: a session takes half a dozen.

    The usual soft limit of 1024 is for programs that use select(2).
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
