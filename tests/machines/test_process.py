"""Real processes. What they print says that they are ready, so nothing is waited for blindly."""

from __future__ import annotations

import array
import asyncio
import fcntl
import os
import signal
import socket
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sim.clock import Clock
from sim.errors import InputError, StartError
from sim.machines.process import ProcessInstance, ProcessRuntime, inherited, program_of
from sim.machines.runtime import MachineSpec
from sim.machines.stopping import StopOrder, Stopped, stop
from sim.processes import namespace
from sim.processes.exit import Exit
from sim.streams.silence import has_filters
from sim.topology.addresses import AddressPlan, Endpoint
from tests.machines.test_fleet import topology

READY_AND_WAIT = "print('ready', flush=True); import time; time.sleep(60)"

PLAN = AddressPlan(topology(), 92)


class Bench:
    """A runtime whose machines are killed at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.folder = folder
        self.instances: list[ProcessInstance] = []

    def spec(self, *command: str, **env: str) -> MachineSpec:
        return MachineSpec(
            id="3d8e2fa0c1b2a4",
            region="fra",
            command=command,
            image=None,
            env={
                "SIM_WORLD": f"test-{self.folder.name}",
                "FLY_MACHINE_ID": "3d8e2fa0c1b2a4",
                **env,
            },
            endpoint=Endpoint("127.92.151.10", 1),
            folder=self.folder,
            log_path=self.folder / "logs" / "fra-1.log",
        )

    async def start(self, *command: str, **env: str) -> ProcessInstance:
        instance = await ProcessRuntime(self.clock, PLAN).start(self.spec(*command, **env))
        self.instances.append(instance)
        return instance

    async def stop(
        self, instance: ProcessInstance, given_s: float, number: int = signal.SIGINT
    ) -> Stopped:
        order = StopOrder(signal.Signals(number), given_s)
        return await stop(instance, order, self.clock)

    async def printed(self, instance: ProcessInstance, line: str) -> None:
        async with self.clock.timeout(10.0):
            while line not in await instance.tail(50):
                await self.clock.sleep(0.005)

    async def gone(self, pid: int) -> None:
        async with self.clock.timeout(10.0):
            while state(pid) not in "ZX":
                await self.clock.sleep(0.005)

    async def stopped(self, pid: int) -> None:
        async with self.clock.timeout(10.0):
            while state(pid) != "T":
                await self.clock.sleep(0.005)


def state(pid: int) -> str:
    """The process's state as in proc(5): T stopped, Z waiting to be reaped, X gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "X"
    return stat.rpartition(")")[2].split()[0]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for instance in made.instances:
        await instance.kill()


@pytest.mark.skipif(bool(namespace.obstacle()), reason=str(namespace.obstacle()))
async def test_a_machine_and_what_is_run_in_it_have_names_of_their_own(bench: Bench) -> None:
    runtime = ProcessRuntime(bench.clock, PLAN)
    await runtime.open()
    look = "import socket; print(socket.getaddrinfo('fly-local-6pn', 1)[0][4][0])"
    own = {"FLY_PRIVATE_IP": "::ffff:127.92.151.10", "SIM_NAMESERVER": "127.92.151.3:53"}
    spec = bench.spec(sys.executable, "-c", f"{look}; {READY_AND_WAIT}", **own)
    spec.log_path.parent.mkdir()
    instance = await runtime.start(spec)
    bench.instances.append(instance)
    await bench.printed(instance, "ready")
    assert await instance.tail(2) == ["::ffff:127.92.151.10", "ready"]
    ran = await instance.execute(["cat", "/etc/hosts", "/etc/resolv.conf"], "", 10.0)
    assert "\n::ffff:127.92.151.10 fly-local-6pn\nnameserver 127.92.151.3\n" in ran.stdout
    assert (await instance.kill()).signal == signal.SIGKILL


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("raise SystemExit(0)", Exit(0)),
        ("raise SystemExit(3)", Exit(3)),
        ("import os; os.kill(os.getpid(), 11)", Exit(None, signal=signal.SIGSEGV)),
    ],
)
async def test_an_exit_is_told_with_its_code_or_signal(
    bench: Bench, script: str, expected: Exit
) -> None:
    instance = await bench.start("python", "-c", script)
    assert await instance.exited() == expected
    assert await instance.exited() == expected


async def test_its_environment_is_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller has in its environment stays with the caller, except what is listed."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("LC_TIME", "C")
    script = "import os; print(sorted(os.environ)); print(os.environ['PORT'])"
    instance = await bench.start("python", "-c", script, PORT="18001")
    await instance.exited()
    names, port = await instance.tail(2)
    assert port == "18001"
    assert "LC_TIME" in names
    assert "AWS_SECRET_ACCESS_KEY" not in names


def test_what_is_inherited_is_listed() -> None:
    environ = {"PATH": "/bin", "LC_ALL": "C", "SSL_CERT_FILE": "x", "TOKEN": "y", "PS1": "$"}
    assert inherited(environ) == {"PATH": "/bin", "LC_ALL": "C", "SSL_CERT_FILE": "x"}


async def test_python_is_the_interpreter_that_runs_the_simulator(bench: Bench) -> None:
    instance = await bench.start("python", "-c", "import sys; print(sys.executable)")
    await instance.exited()
    assert await instance.tail(1) == [sys.executable]


async def test_it_runs_in_the_topologys_folder_and_finds_programs_there(bench: Bench) -> None:
    program = bench.folder / "gateway.sh"
    program.write_text("#!/bin/sh\npwd\necho oops >&2\n")
    program.chmod(0o755)
    instance = await bench.start("./gateway.sh")
    assert await instance.exited() == Exit(0)
    assert await instance.tail(2) == [str(bench.folder), "oops"]


def test_a_program_with_a_slash_is_a_word_as_the_others_are(tmp_path: Path) -> None:
    (tmp_path / "gateway").touch(0o755)
    found = program_of(("./gateway", "-x"), tmp_path, "", "gateway.command")
    assert found == [f"{tmp_path}/gateway", "-x"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ("no-such-program", "-x"),
            "no program 'no-such-program': it is in no folder of PATH; install it",
        ),
        (("./no-such-program",), "no-such-program is not there or not executable"),
        ((), "gateway.command is missing"),
    ],
)
async def test_a_command_that_does_not_exist_is_named(
    bench: Bench, command: tuple[str, ...], said: str
) -> None:
    with pytest.raises(StartError, match=r"gateway\.command") as caught:
        await bench.start(*command)
    assert said in str(caught.value)
    assert caught.value.exit_code == 3


async def test_a_file_that_is_no_program_is_named(bench: Bench) -> None:
    (bench.folder / "gateway").write_bytes(b"\x7fELF nonsense")
    (bench.folder / "gateway").chmod(0o755)
    with pytest.raises(StartError, match=r"cannot run .*gateway.*Exec format error"):
        await bench.start("./gateway")


async def test_stop_lets_it_drain(bench: Bench) -> None:
    script = (
        "import signal, sys, time\n"
        "def drain(*_): print('drained'); sys.exit(7)\n"
        "signal.signal(signal.SIGINT, drain)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    instance = await bench.start("python", "-c", script)
    await bench.printed(instance, "ready")
    assert (await bench.stop(instance, 20.0)).end == Exit(7)
    assert await instance.tail(1) == ["drained"]


async def test_stop_sends_the_signal_that_it_is_told(bench: Bench) -> None:
    program = (
        "import signal, sys, time; signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7));"
        "print('ready', flush=True); time.sleep(60)"
    )
    instance = await bench.start("python", "-c", program)
    await bench.printed(instance, "ready")
    assert (await bench.stop(instance, 10.0, signal.SIGUSR1)).end == Exit(7)


async def test_it_hears_a_signal_that_the_simulator_ignores(bench: Bench) -> None:
    """A shell's background job ignores SIGINT: that must not become the machine's."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        machine = await bench.start("sleep", "60")
    finally:
        signal.signal(signal.SIGINT, before)
    await bench.stop(machine, given_s=5)
    assert await machine.exited() == Exit(None, signal=signal.SIGINT)


async def test_stop_kills_what_does_not_end_in_time(bench: Bench) -> None:
    script = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {READY_AND_WAIT}"
    instance = await bench.start("python", "-c", script)
    await bench.printed(instance, "ready")
    stopped = await bench.stop(instance, 0.2)
    assert stopped.killed
    assert stopped.end == Exit(None, signal=signal.SIGKILL)
    assert 0.2 <= stopped.took_s < 10.0
    assert stopped.handling is not None
    assert "SIGINT" in stopped.handling.ignored


async def test_which_signals_it_handles_is_seen_before_it_ends(bench: Bench) -> None:
    """Python brings a handler for SIGINT of its own, as many languages do: here it is taken out."""
    script = (
        "from signal import SIG_DFL, SIGINT, SIGTERM, signal\n"
        "signal(SIGINT, SIG_DFL); signal(SIGTERM, print)\n"
    )
    instance = await bench.start("python", "-c", script + READY_AND_WAIT)
    await bench.printed(instance, "ready")
    stopped = await bench.stop(instance, 10.0)
    assert (stopped.killed, stopped.end) == (False, Exit(None, signal=signal.SIGINT))
    assert stopped.handling is not None
    assert "SIGTERM" in stopped.handling.caught
    assert "SIGINT" not in stopped.handling.caught + stopped.handling.ignored


async def test_what_it_leaves_running_ends_with_it(bench: Bench) -> None:
    """A shell that dies leaves its children: they hold the machine's port, so they go too."""
    instance = await bench.start("sh", "-c", "sleep 60 & echo $!; echo ready; wait")
    await bench.printed(instance, "ready")
    orphan = int((await instance.tail(2))[0])
    assert state(orphan) not in "ZX"
    os.kill(instance.pid, signal.SIGKILL)
    assert await instance.exited() == Exit(None, signal=signal.SIGKILL)
    await bench.gone(orphan)


async def test_the_stop_signal_reaches_the_main_process_alone(bench: Bench) -> None:
    """A supervisor drains its worker itself; a worker without a handler must not die under it."""
    supervisor = (
        "import signal, subprocess, sys\n"
        "worker = subprocess.Popen(['sh', '-c', 'read line; echo worker drained'], stdin=-1)\n"
        "signal.signal(signal.SIGINT, lambda *_: worker.stdin.close())\n"
        "print('ready', flush=True); sys.exit(worker.wait())"
    )
    instance = await bench.start("python", "-c", supervisor)
    await bench.printed(instance, "ready")
    assert (await bench.stop(instance, 20.0)).end == Exit(0)
    assert await instance.tail(1) == ["worker drained"]


@pytest.mark.parametrize("end", ["drained", "killed", "died"])
async def test_nothing_is_left_of_it_in_whatever_session(bench: Bench, end: str) -> None:
    """A child that made a session of its own holds the machine's port as well as any other."""
    script = (
        "import signal, subprocess, sys, time\n"
        "apart = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n"
        "print(apart.pid); print('ready', flush=True); time.sleep(60)"
    )
    instance = await bench.start("python", "-c", script)
    await bench.printed(instance, "ready")
    apart = int((await instance.tail(2))[0])
    assert state(apart) not in "ZX"
    match end:
        case "drained":
            assert (await bench.stop(instance, 20.0)).end == Exit(0)
        case "killed":
            await instance.kill()
        case _:
            os.kill(instance.pid, signal.SIGSEGV)
            await instance.exited()
    await bench.gone(apart)


async def test_another_machines_processes_are_not_its_own(bench: Bench) -> None:
    other = await bench.start("sleep", "60", FLY_MACHINE_ID="178112d5a10e48")
    instance = await bench.start("sleep", "60")
    await instance.kill()
    assert state(other.pid) not in "ZX"


async def test_a_frozen_machine_does_nothing_until_it_is_thawed(bench: Bench) -> None:
    script = "import signal; signal.signal(signal.SIGUSR1, lambda *_: print('pong')); "
    instance = await bench.start("python", "-c", script + READY_AND_WAIT)
    await bench.printed(instance, "ready")
    await instance.freeze()
    await bench.stopped(instance.pid)
    os.kill(instance.pid, signal.SIGUSR1)
    assert await instance.tail(1) == ["ready"]
    await instance.thaw()
    await bench.printed(instance, "pong")


LISTENS = """
import socket, time
sock = socket.create_server(("127.92.151.10", 0))
print(sock.getsockname()[1], flush=True)
peer, _ = sock.accept()
print(peer.recv(9), flush=True)
peer.sendall(peer.recv(9))
time.sleep(60)
"""


@pytest.mark.parametrize("scope", ["process", "host"])
@pytest.mark.skipif(not has_filters(), reason="needs CAP_NET_ADMIN")
async def test_the_kernel_of_a_frozen_host_stands_still_too(bench: Bench, scope: str) -> None:
    """A stopped process's kernel accepts and acknowledges; a host's that stands still does not."""
    instance = await bench.start("python", "-c", LISTENS)
    while not (said := await instance.tail(1)):
        await bench.clock.sleep(0.005)
    at = ("127.92.151.10", int(said[0]))
    loop = asyncio.get_running_loop()
    with socket.socket() as stands, socket.socket() as late:
        stands.settimeout(0)
        stands.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
        late.settimeout(0)
        await loop.sock_connect(stands, at)
        await loop.sock_sendall(stands, b"hello")
        await bench.printed(instance, "b'hello'")
        await instance.freeze(host=scope == "host")
        await bench.stopped(instance.pid)
        await loop.sock_sendall(stands, b"still?")
        await bench.clock.sleep(0.1)
        connecting = asyncio.create_task(loop.sock_connect(late, at))
        done, _ = await asyncio.wait([connecting], timeout=0.3)
        assert bool(done) is (scope == "process")
        assert unacknowledged(stands) is (scope == "host")
        await instance.thaw()
        async with bench.clock.timeout(10):
            assert await loop.sock_recv(stands, 9) == b"still?"
            await connecting


def unacknowledged(sock: socket.socket) -> bool:
    """Whether its peer's kernel has not acknowledged all that was sent (tcp(7), SIOCOUTQ)."""
    left = array.array("i", [0])
    fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, left)
    return left[0] > 0


async def test_freezing_a_host_without_the_right_to_says_so_and_leaves_it_running(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.machines.lost_host.deafen", lambda _: False)
    instance = await bench.start("python", "-c", LISTENS)
    while not await instance.tail(1):
        await bench.clock.sleep(0.005)
    with pytest.raises(InputError, match=r"CAP_NET_ADMIN .*without `scope: host`"):
        await instance.freeze(host=True)
    assert state(instance.pid) != "T"


async def test_a_frozen_machine_can_be_killed_and_cannot_drain(bench: Bench) -> None:
    instance = await bench.start("python", "-c", READY_AND_WAIT)
    await bench.printed(instance, "ready")
    await instance.freeze()
    await bench.stopped(instance.pid)
    assert (await bench.stop(instance, 0.1)).end == Exit(None, signal=signal.SIGKILL)


async def test_it_cannot_be_cut_off_from_a_network_that_is_the_hosts(bench: Bench) -> None:
    instance = await bench.start("python", "-c", READY_AND_WAIT)
    with pytest.raises(InputError, match=r"Use `partition` .* or run containers"):
        await instance.disconnect()


async def test_signalling_one_that_has_exited_does_nothing(bench: Bench) -> None:
    instance = await bench.start("python", "-c", "pass")
    await instance.exited()
    await instance.freeze()
    assert await instance.kill() == (await bench.stop(instance, 1.0)).end == Exit(0)


async def test_the_tail_is_the_last_lines_of_a_long_log(bench: Bench) -> None:
    instance = await bench.start("python", "-c", "for i in range(5000): print('line', i)")
    await instance.exited()
    assert await instance.tail(3) == ["line 4997", "line 4998", "line 4999"]
    assert await instance.tail(10_000) == [f"line {i}" for i in range(5000)]


async def test_a_killed_machine_keeps_its_last_words(bench: Bench) -> None:
    instance = await bench.start("python", "-c", "print('last words'); import time; time.sleep(60)")
    await bench.printed(instance, "last words")
    await instance.kill()
    assert await instance.tail(1) == ["last words"]
