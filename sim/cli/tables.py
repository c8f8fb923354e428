"""Listings: aligned columns for people and for grep, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]

_UNBOUNDED = 10_000


def listing(
    rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, err: bool = False
) -> None:
    """Print rows on stdout (`err`: stderr), one a line and never wrapped.

    The columns are keys of the rows; an underscore in one is a space in the table's head.
    """
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = [[column.upper().replace("_", " ") for column in columns]]
    table += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip(), err=err)


def wide_console() -> Console:
    """Where results are printed: a terminal as wide as it is, a pipe or a file without wrapping."""
    from rich.console import Console

    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_UNBOUNDED if piped else None)


def _cell(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
