"""`$NAME` in what a topology says of services: where they are, and how the database is reached.

`HOST` and `PORT` are the service's own: in its command where it listens, in what machines are told
the link by which their region reaches it. Those of the database are there where it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

OWN = ("HOST", "PORT")
OF_DATABASE = tuple(
    f"DATABASE_{part}" for part in ("URL", "HOST", "PORT", "USER", "PASSWORD", "NAME")
)

_NAME = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def names_in(template: str) -> list[str]:
    """The variables that a template asks for."""
    return [braced or plain for braced, plain in _NAME.findall(template)]


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with the values of its variables; what is none of them stays as it is."""
    return _NAME.sub(lambda found: values.get(found[1] or found[2], found[0]), template)
