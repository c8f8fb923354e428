"""The images of a gateway that the Docker engine has: the tags of one repository, by their age.

Nothing else says which images lie between two: so what is to be looked at has to be pulled first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from sim.bisect.release_line import Laid
from sim.docker.engine import Engine
from sim.errors import InputError, Problem
from sim.scenario.model import Scenario


def names_image(release: str) -> bool:
    """Whether that is an image with a tag: no commit's name has a colon (git-check-ref-format)."""
    return ":" in release


class Images:
    """Images of the scenario's gateway."""

    def __init__(self, scenario: Scenario) -> None:
        self._path = (scenario.path or Path()).resolve()

    def __repr__(self) -> str:
        return f"<Images for {self._path.name}>"

    async def line(self, good: str, bad: str) -> list[str]:
        """The tags from `good` to `bad`, the oldest first. Raises InputError.

        Raises EnvironmentLacksError where no engine answers.
        """
        repository = good.rpartition(":")[0]
        if bad.rpartition(":")[0] != repository:
            raise InputError(Problem(f"`{good}` and `{bad}` are not tags of one repository"))
        engine = Engine()
        await engine.open()
        try:
            made = await _made(engine, repository, (good, bad))
        finally:
            await engine.close()
        if made[bad] <= made[good]:
            raise InputError(
                Problem(f"`{bad}` was not made after `{good}`, so nothing lies between")
            )
        line = sorted(
            (tag for tag, at in made.items() if made[good] <= at <= made[bad]),
            key=lambda tag: made[tag],
        )
        for older, newer in pairwise(line):
            if made[older] == made[newer]:
                raise InputError(
                    Problem(
                        f"`{older}` and `{newer}` were made in the same instant: which is the older"
                        " one is not known; remove one of the tags"
                    )
                )
        return line

    def told(self, release: str) -> str:
        """A tag."""
        return release

    @contextlib.contextmanager
    def laid(self, release: str, folder: Path) -> Iterator[Laid]:  # noqa: ARG002 - needs no files
        """The scenario where it lies, on machines of that image."""
        settings = {"gateway.image": release, "gateway.build": "null"}  # it is not to be built anew
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        yield Laid(self._path, ["--runtime", "docker", *words])


async def _made(engine: Engine, repository: str, ends: tuple[str, str]) -> dict[str, str]:
    """When each image of a repository was made, in text that sorts by time."""
    listed = await engine.call("images", repository)
    tags = {tag for image in listed for tag in image["RepoTags"] or () if names_image(tag)}
    for end in ends:
        if end not in tags:
            has = ", ".join(sorted(tags)) or "none"
            raise InputError(
                Problem(f"the engine has no image `{end}`; of {repository} it has {has}: pull it")
            )
    return {tag: (await engine.call("inspect_image", tag))["Created"] for tag in tags}
