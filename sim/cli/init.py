"""`sim init`: the files of a first verdict, written from what a repository says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from sim.cli.options import EXISTING
from sim.errors import InputError


@click.command()
@click.option(
    "--fly-toml",
    type=EXISTING,
    metavar="FILE",
    help="The fly.toml of the app (default: the one in this folder, if there is one).",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="sim",
    show_default=True,
    metavar="FOLDER",
    help="Folder to write to; existing files are left alone.",
)
def init(fly_toml: Path | None, output: Path) -> int:
    """Write a topology, a scenario and a driver for the repository in this folder.

    Reads fly.toml, Procfile, a compose file, Dockerfile, package.json, pyproject.toml,
    requirements.txt, go.mod, pom.xml and the sources beside them, and says what it took from where.
    """
    from sim.init.look import look
    from sim.init.starter import starter

    folder = Path()
    made = starter(look(folder, fly_toml), folder, output)
    _write(output, made.files)
    for line in made.told:
        click.echo(line, err=True)
    click.echo(f"wrote {', '.join(str(output / name) for name in made.files)}")
    click.echo("\nNext:\n\n" + "\n".join(f"    {command}" for command in made.commands))
    return 0


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """All of them or none. Raises InputError where one is there already."""
    if there := [str(folder / name) for name in files if (folder / name).exists()]:
        isare = "is" if len(there) == 1 else "are"
        message = f"{', '.join(there)} {isare} there already; name another folder with --output"
        raise InputError(message)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
