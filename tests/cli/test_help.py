"""What `--help` shows: every command in one section, and no option without a word."""

from __future__ import annotations

from collections import Counter

import click
import pytest
from click.testing import CliRunner

from sim.cli import SECTIONS, cli
from sim.cli.group import sentence


def commands(group, path=()):
    for name, command in group.commands.items():
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(cli))


def test_every_command_stands_in_one_section():
    counts = Counter(command.name for section in SECTIONS.values() for command in section)
    assert counts == dict.fromkeys(cli.commands, 1)


@pytest.mark.parametrize("name", ALL)
def test_no_option_is_without_a_word(name):
    silent = [
        parameter.opts[0]
        for parameter in ALL[name].params
        if isinstance(parameter, click.Option) and not parameter.hidden and not parameter.help
    ]
    assert silent == []


@pytest.mark.parametrize("name", ["", *(n for n in ALL if isinstance(ALL[n], click.Group))])
def test_a_list_of_commands_cuts_no_sentence(name):
    said = CliRunner().invoke(cli, [*name.split(), "--help"], terminal_width=60).output
    assert "..." not in said.partition("\n")[2]


@pytest.mark.parametrize("command", cli.commands.values(), ids=str)
def test_a_command_says_what_it_does_in_one_line_of_a_terminal(command):
    widest = max(map(len, cli.commands))
    assert len(sentence(command)) <= 80 - len("  ") - widest - len("  ")


def test_a_shell_that_completes_a_fault_of_no_such_name_hears_of_no_mistake():
    words = {"_SIM_COMPLETE": "bash_complete", "COMP_WORDS": "sim fault crahs -", "COMP_CWORD": "3"}
    said = CliRunner().invoke(cli, prog_name="sim", env=words)
    assert (said.exit_code, said.exception) == (0, None)
    assert "crahs" not in said.output
