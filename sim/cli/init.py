"""`sim init`: the files of a first verdict, written from what a repository says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from sim.cli.options import EXISTING
from sim.errors import InputError


@click.command()
@click.argument(
    "folder",
    required=False,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
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
@click.option(
    "--listen",
    is_flag=True,
    help="Stand between your own client and your gateway once; write the driver from a session.",
)
@click.option(
    "--against",
    metavar="URL",
    help="Of --listen: your gateway, which runs (default: at the port that was found here).",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Of --listen: where your client is to connect to (default: a free port).",
)
def init(
    folder: Path | None,
    fly_toml: Path | None,
    output: Path,
    listen: bool,
    against: str | None,
    port: int,
) -> int:
    """Write sim/ for a repository: topology, scenario, driver.

    The repository is FOLDER (default: this one). Reads fly.toml, Procfile, a compose file,
    Dockerfile, package.json, pyproject.toml, requirements.txt, go.mod, pom.xml and the sources
    beside them, and says what it took from where. Where this folder has none of them, the one
    folder below that has is taken.
    """
    from sim.init.look import look
    from sim.init.monorepo import program_below
    from sim.init.starter import DRIVER, SCHEMAS, starter

    found = look(folder or Path(), fly_toml)
    if folder is None and fly_toml is None and (folder := program_below(Path(), found)):
        click.echo(f"folder     {folder}    (nothing at the top says what to run)", err=True)
        found = look(folder)
    folder = folder or Path()
    made = starter(found, folder, output)
    if listen:
        mine = _text(output / DRIVER) not in (None, made.files.get(DRIVER))
        _refuse([output / DRIVER] if mine else [])
        known = found.value("fixed_port") or found.value("port", 8080)
        heard = _listen(against or f"http://127.0.0.1:{known}", port)
        made = starter(found, folder, output, heard)
        files = {name: text for name, text in made.files.items() if not (output / name).exists()}
        files[DRIVER] = made.files[DRIVER]
    else:
        files = dict(made.files)
        _refuse([output / n for n in files if not n.startswith(SCHEMAS) and (output / n).exists()])
    _write(output, files)
    for line in made.told:
        click.echo(line, err=True)
    click.echo(
        f"wrote {', '.join(str(output / name) for name in files if not name.startswith(SCHEMAS))}"
    )
    click.echo("\nNext:\n\n" + "\n".join(f"    {command}" for command in made.commands))
    return 0


def _listen(against: str, port: int) -> str:
    """The driver of the session that was heard. Raises InputError where there was none."""
    import asyncio
    import signal

    from sim.cli.running import run_async
    from sim.clock import Clock
    from sim.init.listening.driver_from import driver_from
    from sim.init.listening.recording_proxy import Listener

    async def one_session() -> str | None:
        listener = Listener(against, Clock())
        async with listener.listening(port) as url:
            click.echo(
                f"let your client connect to {url} (or ws{url[4:]}) instead of {against},", err=True
            )
            click.echo("say a few messages, and close it (Ctrl-C here ends it too)", err=True)
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, listener.over.set)
            await listener.over.wait()
        return driver_from(listener.heard)

    if text := run_async(one_session()):
        return text
    raise InputError(
        "no WebSocket was heard on which client and gateway both said something;"
        f" is the gateway at {against}, and did the client connect to the address above?"
    )


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def _refuse(there: list[Path]) -> None:
    """Raise InputError for files of the user's."""
    if there:
        names = ", ".join(map(str, there))
        raise InputError(f"there already: {names}; name another folder with --output")


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from error
