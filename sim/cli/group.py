"""Groups whose `--help` says whole sentences; click cuts them at the terminal's edge."""

from __future__ import annotations

import click

_LONGEST = 1000


def sentence(command: click.Command) -> str:
    """The first sentence of a command's help."""
    return command.get_short_help_str(_LONGEST)


class Group(click.Group):
    """A group that lists its commands with whole sentences, folded where the line ends."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence(c)) for name, c in commands.items() if c])
