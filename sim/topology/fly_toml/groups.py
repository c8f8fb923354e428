"""Process groups: which are defined, which one is simulated, and what of a file is about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sim.errors import InputError
from sim.suggestions import suggest
from sim.topology.fly_toml.toml_document import Table

DEFAULT_GROUP = "app"


class UnknownGroupError(InputError):
    """The group that was asked for is none of the file's; whoever asked knows where that stands."""


@dataclass(frozen=True)
class Groups:
    """The process groups of an app, with the commands of those that have one of their own."""

    commands: dict[str, list[str]]
    defined: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Those there are: an app that defines none has one all the same."""
        return self.defined or (DEFAULT_GROUP,)

    @property
    def default(self) -> str:
        """What a section without `processes` belongs to: `app`, else the first by the alphabet."""
        return DEFAULT_GROUP if DEFAULT_GROUP in self.names else min(self.names)

    def of(self, section: Table) -> tuple[str, ...]:
        """The groups that a section is about."""
        return tuple(section.words("processes")) or (self.default,)

    def sections(self, sections: Iterable[Table], group: str) -> list[Table]:
        """Those about a group, in the order of the file. That groups are left out is said once."""
        mine = []
        for section in sections:
            groups = self.of(section)
            if group in groups:
                mine.append(section)
            elif unknown := [name for name in groups if name not in self.names]:
                section.note("processes", self.unknown(unknown[0]))
        return mine

    def unknown(self, name: str) -> str:
        """What is wrong with the name of a group that is not defined."""
        return f"no process group is called `{name}`{suggest(name, self.names)}"


def only(group: str) -> str:
    """Why what is about another process group is left out."""
    return f"one process group is simulated, `{group}`"


def read_groups(root: Table) -> Groups:
    """The table `processes`, or the array of names and commands that older files have.

    Names alone, as the oldest files list them, define nothing: flyctl drops them.
    """
    commands: dict[str, list[str]] = {}
    names: list[str] = []
    items = root.any("processes")
    if isinstance(items, list):
        tables = any(isinstance(item, dict) for item in items)
        for item in root.array("processes") if tables else ():
            if "name" in item.data:
                _add(item, "command", str(item.any("name")), names, commands)
    else:
        table = root.table("processes")
        for name in table.data:
            _add(table, name, name, names, commands)
    return Groups(commands, tuple(names))


def _add(
    table: Table, key: str, name: str, names: list[str], commands: dict[str, list[str]]
) -> None:
    names.append(name)
    if command := table.command(key):
        commands[name] = command
