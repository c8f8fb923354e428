"""`sim manual`: the manual page, made of what `--help` says of every command."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import click

from sim import __version__


@click.command()
@click.pass_context
def manual(context: click.Context) -> int:
    """Print a manual page of all commands, for man(1).

    To read it: sim manual | man -l -
    """
    click.echo("\n".join(_page(context.find_root())))
    return 0


def _page(root: click.Context) -> Iterator[str]:
    about = _paragraphs(root.command)
    yield f'.TH SIM 1 "" "multi-region-sim {_plain(__version__)}"'
    yield from (".SH NAME", f"sim \\- {_plain(about[0].rstrip('.'))}")
    yield from (".SH SYNOPSIS", _plain(root.command.get_usage(root).removeprefix("Usage: ")))
    yield ".SH DESCRIPTION"
    yield from _in_paragraphs(about)
    yield ".SH COMMANDS"
    yield from _commands(root)


def _commands(context: click.Context) -> Iterator[str]:
    """Each command below, and those below it."""
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = click.Context(command, info_name=name, parent=context)
        usage = command.get_usage(own).removeprefix("Usage: ")
        yield f'.SS "{_plain(" ".join(usage.split()))}"'
        yield from _in_paragraphs(_paragraphs(command))
        for parameter in command.get_params(own):
            if record := parameter.get_help_record(own):
                yield from (".TP", _plain(record[0]), _plain(record[1]))
        yield from _commands(own)


def _paragraphs(command: click.Command) -> list[str]:
    """What a command says of itself, a text for each paragraph."""
    text = inspect.cleandoc(command.help or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _in_paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (".PP", _plain(text))


def _plain(text: str) -> str:
    """A text with nothing in it that roff would take for a request of its own."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{text}" if text.startswith((".", "'")) else text
