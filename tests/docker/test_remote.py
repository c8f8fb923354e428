"""Engines of other hosts, and over ssh: how they are asked, and what is said of silent ones."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from sim.docker.engine import NotFound, connect
from sim.docker.ssh import command
from sim.errors import EnvironmentLacksError, StartError
from sim.machines.docker.machine_images import bring

HOST = "ssh://me@10.1.2.3:2022"
ENGINE = """
import sys
while line := sys.stdin.readline():
    path = line.split()[1]
    while sys.stdin.readline().strip():
        pass
    body = '{"ApiVersion": "VERSION"}' if path.endswith("/version") else "OK"
    print(f"HTTP/1.1 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}", end="", flush=True)
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a program in the place of `ssh`; gives a file with the words of each start."""

    def ssh(program: str) -> Path:
        started = tmp_path / "started"
        log = (
            f"import json, sys; open({str(started)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')"
        )
        (tmp_path / "ssh").write_text(f"#!{sys.executable}\n{log}\n{program}")
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return started

    return ssh


def test_an_engine_over_ssh_is_asked_by_one_program_for_many_calls(ssh: Any) -> None:
    started = ssh(ENGINE.replace("VERSION", "1.41"))
    client = connect(host=HOST)
    assert [client.ping() for _ in range(3)] == [True] * 3
    client.close()
    (words,) = map(json.loads, started.read_text().splitlines())
    assert words == command(HOST)[1:]
    assert "BatchMode=yes" in words
    assert words[-7:] == ["-l", "me", "-p", "2022", "--", "10.1.2.3", "docker system dial-stdio"]


def test_what_ssh_says_is_said(ssh: Any) -> None:
    ssh("sys.exit('me@10.1.2.3: Permission denied (publickey).')")
    with pytest.raises(EnvironmentLacksError) as refused:
        connect(host=HOST)
    assert refused.value.lack.endswith(f"at {HOST}: me@10.1.2.3: Permission denied (publickey).")


def test_of_ones_own_engine_over_ssh_too(ssh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh("sys.exit('me@10.1.2.3: Permission denied (publickey).')")
    monkeypatch.setenv("DOCKER_HOST", HOST)
    with pytest.raises(EnvironmentLacksError) as refused:
        connect()
    assert refused.value.lack.endswith(f"at {HOST}: me@10.1.2.3: Permission denied (publickey).")
    assert f"`docker -H {HOST} version` must answer here" in str(refused.value)


def test_where_there_is_no_ssh_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        EnvironmentLacksError, match="`ssh` cannot be run: No such file or directory"
    ):
        connect(host=HOST)


def test_one_that_never_answers_is_not_waited_for(ssh: Any) -> None:
    ssh("sys.stdin.read()")
    with pytest.raises(EnvironmentLacksError, match="timed out"):
        connect(0.2, HOST)


def test_an_engine_that_is_too_old_is_told_as_that(ssh: Any) -> None:
    ssh(ENGINE.replace("VERSION", "1.20"))
    with pytest.raises(EnvironmentLacksError, match=f"the Docker engine at {HOST} is too old"):
        connect(host=HOST)


@pytest.mark.parametrize("body", ["{}", "[]", '"OK"'])
def test_what_is_no_engine_is_told_as_that(ssh: Any, body: str) -> None:
    ssh(ENGINE.replace('{"ApiVersion": "VERSION"}', body))
    with pytest.raises(EnvironmentLacksError, match="what answers is no Docker engine"):
        connect(host=HOST)


class Images:
    """An engine that has so much of an image, and says this while it loads one."""

    def __init__(self, has: str | None, *told: dict[str, str]) -> None:
        self.where, self.settling, self.taken = "tcp://10.1.2.3:2375", False, b""
        self.streams, self._has, self._told = self, has, told

    async def call(self, _: str, image: str) -> dict[str, str]:
        if self._has is None:
            raise NotFound(image)
        return {"Id": self._has}

    async def run(self, function: Any, *args: Any) -> None:
        function(*args)

    def get_image(self, _: str) -> list[bytes]:
        return [b"a", b"b"]

    def load_image(self, parts: Any) -> Any:
        for part in parts:
            self.taken += part
        return self._told


@pytest.mark.parametrize(
    ("told", "settling", "said", "taken"),
    [
        ([{"stream": "1 MB"}, {"error": "no space left"}], False, "no space left", b"ab"),
        ([], True, "the world ends", b""),
    ],
)
def test_an_image_that_does_not_arrive_is_told(
    virtually: Any, told: list[dict[str, str]], settling: bool, said: str, taken: bytes
) -> None:
    there = Images(None, *told)
    there.settling = settling
    with pytest.raises(StartError, match=said):
        virtually(bring(Images("sha256:1"), there, "gateway:v1"))  # type: ignore[arg-type]
    assert there.taken == taken
