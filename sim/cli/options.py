"""Options that several commands share."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from sim.errors import InputError, Problem
from sim.suggestions import similar_file


class ExistingFile(click.ParamType[Path]):
    """A file to read."""

    name = "file"

    def convert(
        self,
        value: str | Path,
        param: click.Parameter | None,  # noqa: ARG002 - click's own signature
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Path:
        """The path. Raises InputError where there is no such file, as whoever reads it would."""
        path = Path(value)
        if path.is_dir():
            raise InputError(Problem("is a folder; name a file in it", str(path)))
        if not path.exists():
            raise InputError(Problem(f"there is no such file{similar_file(path)}", str(path)))
        return path


EXISTING = ExistingFile()


class OutputPath(click.ParamType[Path]):
    """A file to write: its folder must be there before anything is run for its sake."""

    name = "file"

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The path. Fails, as click does, where it cannot be written."""
        path = Path(value)
        if path.is_dir():
            self.fail(f"{path} is a folder; name a file", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent} to write {path.name} into", param, ctx)
        return path


OUTPUT = OutputPath()


class Speed(click.ParamType[float | None]):
    """Simulated seconds per real second, or `auto`, which is None: what the scenario allows."""

    name = "speed"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """The number, or None. Fails, as click does, for anything else."""
        if value == "auto":
            return None
        try:
            return float(_NUMBER.convert(value, param, ctx))  # type: ignore[arg-type] # it is text
        except click.BadParameter:
            self.fail(f"{value} is no number from 0.1 to 1000, nor auto", param, ctx)


_NUMBER = click.FloatRange(0.1, 1000)

speed_option = click.option(
    "--speed",
    type=_NUMBER,
    default=1.0,
    show_default=True,
    metavar="N",
    help="Simulated seconds per real second.",
)
auto_speed_option = click.option(
    "--speed",
    type=Speed(),
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="Simulated seconds per real second; auto: as fast as the scenario can be judged here.",
)
clock_option = click.option(
    "--clock",
    type=click.Choice(["lens", "real"]),
    default="lens",
    show_default=True,
    help="Clock of the machines and the database where --speed is not 1: simulated (lens) or real.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="N",
    help="Random seed (default: drawn at random and printed).",
)
secrets_option = click.option(
    "--secrets",
    type=EXISTING,
    metavar="F",
    help="File of NAME=value lines with the secrets (default: the environment).",
)
logs_option = click.option(
    "--logs",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep what the machines, the database and services printed in this folder.",
)
journal_option = click.option(
    "--journal", type=OUTPUT, metavar="F", help="Write the journal to this file."
)
runtime_option = click.option(
    "--runtime",
    type=click.Choice(["process", "docker"]),
    default="process",
    show_default=True,
    help="Run machines as processes of this host, or as containers of the gateway's image.",
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A topology's key with another value, such as routing.ttl=5s; may be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
world_option = click.option(
    "--world", metavar="ID", help="World to act on, where several are up (see `sim status`)."
)


def words_of(line: str | None) -> list[str] | None:
    """The words of a command line, as a shell takes it. Fails, as click does, where it is none."""
    try:
        return shlex.split(line) if line else None
    except ValueError as error:
        raise click.BadParameter(f"{error}: {line}", param_hint="--command") from None
