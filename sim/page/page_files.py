"""The files of pages, by name, and the land's outline: nothing is loaded from anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

STYLES = ("theme.css", "layout.css", "figures.css")


def joined(package: str, names: Iterable[str]) -> str:
    """The assets of a package in one text, in that order."""
    assets = files(package) / "assets"
    return "\n".join((assets / name).read_text(encoding="utf-8") for name in names)


def styles() -> str:
    """The styles that pages share."""
    return joined("sim.page", STYLES)


def land() -> Any:
    """The outline of the world's land, as projection.js reads it."""
    return json.loads((files("sim.page") / "land" / "land.json").read_text(encoding="utf-8"))
