"""A rootless engine is told apart: its containers' addresses are out of this host's reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException

from sim.docker.engine import connect, demand_root
from sim.errors import EnvironmentLacksError


class Client:
    """An engine that says so much of itself."""

    def __init__(self, *options: str) -> None:
        self._options = list(options)

    def info(self) -> dict[str, Any]:
        return {"SecurityOptions": self._options or None}


def test_an_engine_that_is_rootless_is_not_taken() -> None:
    with pytest.raises(EnvironmentLacksError, match="is rootless"):
        demand_root(Client("name=seccomp,profile=builtin", "name=rootless"))


@pytest.mark.parametrize("options", [(), ("name=seccomp,profile=builtin",)])
def test_any_other_is(options: tuple[str, ...]) -> None:
    demand_root(Client(*options))


def test_a_rootless_engine_beside_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def nobody_answers(**_: Any) -> None:
        raise DockerException("no such file")

    monkeypatch.setattr("sim.docker.engine.docker.APIClient", nobody_answers)
    (tmp_path / "docker.sock").touch()
    with pytest.raises(EnvironmentLacksError, match=rf"a rootless one at {tmp_path}/docker\.sock"):
        connect()
