"""`sim fault` and `sim heal`: breaking a running world, and mending it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from sim.cli.group import Group
from sim.cli.options import OUTPUT, world_option
from sim.control.choose import the_world
from sim.control.control_client import ask
from sim.errors import InputError
from sim.scenario.params import EXAMPLES, Choice, Param
from sim.suggestions import suggest

_TARGETS = (
    click.option("--region", metavar="R", help="Region: all its machines, or all its links."),
    click.option("--machine", metavar="M", help="Machine: its id, or its place such as fra/1."),
    click.option("--link", nargs=2, metavar="A B", help="Link between two places."),
    click.option("--location", metavar="L", help="Location: all its links, or its DNS."),
    click.option("--service", metavar="S", help="Service, such as database."),
)


def _targets(command: Any) -> Any:
    for option in reversed(_TARGETS):
        command = option(command)
    return command


_SET = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Parameter of the fault, as in scenarios: --set latency=200ms",
)


_LINK = re.compile(r"\[(.+?)\]\(.+?\)")  # of the pages that have these texts too


class Faults(Group):
    """A command for each fault: its targets and its parameters are options."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The faults."""
        del ctx
        from sim.scenario.faults import FAULTS

        return [name for name in FAULTS if name != "heal"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a fault. Raises InputError where there is none of that name.

        Where a shell completes words there is just no command: nobody asked for a message.
        """
        from sim.scenario.faults import FAULTS
        from sim.scenario.targets import TARGETS

        if cmd_name not in FAULTS:
            if ctx.resilient_parsing:
                return None
            raise InputError(f"unknown fault `{cmd_name}`{suggest(cmd_name, FAULTS)}")
        spec = FAULTS[cmd_name]
        params = spec.params

        def run(settings: tuple[str, ...], world: str | None, **given: Any) -> int:
            named = {f"param_{param.name}": param.key for param in params}
            values = [f"{named[k]}={v}" for k, v in given.items() if k in named and v is not None]
            targets = {k: v for k, v in given.items() if k not in named}
            return _do(cmd_name, (*values, *settings), world, targets)

        command = click.command(cmd_name, help=_LINK.sub(r"\1", spec.summary))(
            _targets(_SET(world_option(run)))
        )
        for option in command.params:
            if isinstance(option, click.Option) and option.name in TARGETS:
                option.hidden = option.name not in spec.targets
        command.params[:0] = [_option(param) for param in params]
        return command


def _option(param: Param) -> click.Option:
    example = EXAMPLES.get(param.read)
    words = " | ".join(param.read.allowed) if isinstance(param.read, Choice) else None
    said = words or (f"Such as {example}." if example is not None else "")
    default = f" Default: {param.default}." if param.default is not None else ""
    required = " Required." if param.required else ""
    return click.Option(
        [f"--{param.key.replace('_', '-')}", f"param_{param.name}"],
        metavar="VALUE",
        help=f"{said}{default}{required}".strip() or None,
    )


@click.group(cls=Faults, subcommand_metavar="NAME [OPTIONS]")
def fault() -> None:
    """Break something in a running world.

    `sim fault NAME --help` has the parameters of the fault NAME.
    """


@click.command()
@_targets
@world_option
def heal(world: str | None, **targets: Any) -> int:
    """Undo what was done to a target, or everything.

    Without a target, what is down is started too.
    """
    return _do("heal", (), world, targets)


@click.command("save-scenario")
@click.argument("file", type=OUTPUT, required=False)
@click.option(
    "--since",
    type=click.Choice(["first-fault", "start"]),
    default="first-fault",
    show_default=True,
    help="Start of the file's times: ten seconds before the first fault, or the world's start.",
)
@world_option
def save_scenario(file: Path | None, since: str, world: str | None) -> int:
    """Write what was done to a running world as a scenario.

    Without FILE it is printed.
    """
    record = the_world(world)
    folder = str((file.parent if file else Path()).resolve())
    text = ask(record, "save_scenario", since=since.replace("-", "_"), folder=folder)["text"]
    if file is None:
        click.echo(text, nl=False)
        return 0
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise InputError(f"{file} is there already; name another") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"wrote {file}; `sim validate {file}` checks it, `sim run {file}` runs it", err=True)
    return 0


def _do(name: str, settings: tuple[str, ...], world: str | None, targets: dict[str, Any]) -> int:
    from sim.scenario.live import live_fault

    entry = {key: list(v) if key == "link" else v for key, v in targets.items() if v}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: write KEY=VALUE, such as latency=200ms")
        entry[key] = value
    live_fault({"fault": name, **entry}, None)  # what is wrong in any world is told without one
    ask(the_world(world), "fault", fault=name, **entry)
    given = [value for value in targets.values() if value]
    aim = " ".join(v if isinstance(v, str) else " \u2013 ".join(v) for v in given) or "everything"
    click.echo(f"{name} {aim}: done", err=True)
    return 0
