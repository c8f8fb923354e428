"""A service that is a program, on the process runtime: the real Redis, and some that do wrong."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sim.clock import Clock
from sim.errors import InputError, StartError
from sim.machines.ports import Ports
from sim.machines.process import ProcessRuntime
from sim.secrets import MASK, Redactor
from sim.services.program import Hosting, ServiceProgram
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Program, Topology
from tests.machines.test_fleet import topology
from tests.slot import SLOT, address

pytestmark = pytest.mark.asyncio

WORLD: Topology = topology()
PLAN = AddressPlan(WORLD, SLOT)
PORTS = Ports(SLOT)
LISTEN = """
import os, socket, sys, time
print(*sys.argv[1:], os.getcwd(), os.environ["PASSWORD"], os.geteuid(), flush=True)
server = socket.create_server((os.environ["HOST"], int(os.environ["PORT"])))
time.sleep(60)
"""


class Bench:
    """Services whose programs are ended at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.beside = folder / "beside"
        self.beside.mkdir()
        (folder / "logs").mkdir()
        self.log = folder / "logs" / "fra-cache.log"
        self.made: list[ServiceProgram] = []

    def service(self, *command: str, **env: str) -> ServiceProgram:
        clock, host = Clock(), address("150.4")
        asked = Program("cache", "fra", command, env=env)
        hosting = Hosting(
            ProcessRuntime(clock, PLAN, redact=Redactor(["hunter2"])),
            clock,
            Endpoint(host, PORTS.take(host)),
            self.folder / "own",
            self.beside,
            self.log,
            lambda: {"SIM_WORLD": "w1", "PASSWORD": "hunter2"},
        )
        self.made.append(ServiceProgram(asked, hosting))
        return self.made[-1]


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for service in made.made:
        await service.stop()


async def test_it_is_told_where_to_listen_runs_in_its_own_folder_and_prints_no_secret(
    bench: Bench,
) -> None:
    (bench.beside / "listen.py").write_text(LISTEN)
    service = bench.service("python", "listen.py", "--at", "$HOST:${PORT}", "$HOME", "a$$b")
    await service.start()
    assert service.running
    assert service.pid is not None
    await service.stop()
    assert not service.running
    assert service.pid is None
    own = bench.folder / "own"
    assert bench.log.read_text().split() == [
        *("--at", str(service.endpoint), "$HOME", "a$$b"),
        *(str(own), MASK, str(os.geteuid() or 1000)),
    ]


async def test_machines_are_told_the_link_by_templates(bench: Bench) -> None:
    service = bench.service("x", REDIS_URL="redis://:$PASSWORD@$HOST:${PORT}/0")
    door = Endpoint("127.92.151.2", 8433)
    told = service.variables(door, {"PASSWORD": "hunter2", "HOST": "elsewhere"})
    assert told == {"REDIS_URL": "redis://:hunter2@127.92.151.2:8433/0"}


async def test_one_that_was_killed_is_told_by_ping_and_starts_again(bench: Bench) -> None:
    service = bench.service(sys.executable, "-c", LISTEN)
    await service.start()
    await service.ping()
    assert service.pid is not None
    os.kill(service.pid, signal.SIGKILL)
    assert service._end is not None
    await service._end
    with pytest.raises(StartError, match=r"service cache has ended \(killed by SIGKILL\)"):
        await service.ping()
    await service.start()
    await service.ping()


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("no-such-program",), "services.cache.command: no program 'no-such-program'"),
        (("./beside",), r"services.cache.command: no program './beside': .* not executable"),
        ((), "services.cache.command: is missing: the process runtime runs a command"),
        (
            (sys.executable, "-c", "print('bad config'); raise SystemExit(3)"),
            r"service cache has ended \(exited with code 3\).*\n  bad config",
        ),
    ],
)
async def test_one_that_cannot_run_says_why(
    bench: Bench, command: tuple[str, ...], problem: str
) -> None:
    service = bench.service(*command)
    with pytest.raises((StartError, InputError), match=problem):
        await service.start()
    assert not service.running


async def test_one_that_never_listens_is_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.services.program._START_REAL_S", 0.3)
    service = bench.service(sys.executable, "-c", "import time; print('idle'); time.sleep(60)")
    with pytest.raises(StartError, match="accepts no connections at 127"):
        await service.start()
    assert not service.running


@pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")
async def test_redis_leaves_nothing_beside_the_topology(bench: Bench) -> None:
    service = bench.service("redis-server", "--port", "$PORT", "--bind", "$HOST")
    await service.start()
    await service.stop()
    assert "Redis is now ready to exit" in bench.log.read_text()
    assert list(bench.beside.iterdir()) == []
