"""What all files of a repository say together: of each thing, the file that is trusted most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.init.facts import Facts, Part
from sim.topology.fly_toml import FlyToml


@dataclass(frozen=True)
class Said:
    """A value, and the file that says it."""

    value: Any
    by: str


@dataclass(frozen=True)
class Repository:
    """The facts of each file, those that are trusted most first.

    `fly` is its fly.toml at `fly_path`, from its folder, if it has one; `dotenv` the names to which
    its `.env` gives values.
    """

    files: Mapping[str, Facts] = field(default_factory=dict)
    fly: FlyToml | None = None
    fly_path: Path | None = None
    dotenv: tuple[str, ...] = ()

    def first(self, name: str) -> Said | None:
        """What the first file says of it that says anything."""
        return next((said for said in self.all(name)), None)

    def all(self, name: str) -> Iterator[Said]:
        """What each file says of it that says anything."""
        for file, facts in self.files.items():
            if value := getattr(facts, name):
                yield Said(value, file)

    def value(self, name: str, default: Any = None) -> Any:
        """The value of what is said first."""
        said = self.first(name)
        return said.value if said else default

    @property
    def program(self) -> Said | None:
        """The command of processes of this host.

        An image of the fly.toml has its own, and whatever lies beside the file is not in it.
        """
        said = self.first("command")
        from_registry = self.fly is not None and "image" in self.fly.gateway
        return None if from_registry and said and said.by != self.fly_name else said

    @property
    def fly_name(self) -> str:
        """The fly.toml, as messages call it."""
        return self.fly_path.name if self.fly_path else "fly.toml"

    @property
    def image(self) -> str | None:
        """The image that containers would run, if it is one of a registry."""
        return None if any(self.all("build")) else self.value("image")

    @property
    def containers(self) -> bool:
        """Whether there is an image, or how to make one."""
        return any(self.all("build")) or self.image is not None

    @property
    def workspaces(self) -> bool:
        """Whether a file says that programs are in folders below."""
        return any(self.all("workspaces"))

    @property
    def parts(self) -> Mapping[str, Part]:
        """The other programs that the gateway uses."""
        found: Mapping[str, Part] = self.value("parts", {})
        return found

    @property
    def prepare(self) -> str | None:
        """The shell line that must have run; that of the command's own file if it has one."""
        program = self.program
        own = self.files[program.by].prepare if program else None
        found: str | None = own or (self.value("prepare") if program else None)
        return found

    @property
    def needs(self) -> dict[str, str]:
        """The variables without which the program ends, and the file that asks for each."""
        given = self.value("env", {})
        needs: dict[str, str] = {}
        for said in self.all("needs"):
            for name in said.value:
                if name not in given:
                    needs.setdefault(name, said.by)
        return needs
