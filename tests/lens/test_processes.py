"""A process under the lens is the process that it would be without, but for its time."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim.clock import real_ns
from sim.host.schedstat import family
from sim.lens.lens import Lens, read_notes, uncovered
from sim.lens.lens_program import find_program

SPEED = 50
WITHIN_REAL_S = 20

Started = subprocess.Popen[str]
Start = Callable[..., Started]


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def start(notes: Path) -> Iterator[Start]:
    """Run a command under the lens; it is killed at the end of the test."""
    lens = Lens(find_program(), SPEED, real_ns()[0])
    started: list[Started] = []

    def run(*command: str) -> Started:
        pipe = subprocess.PIPE
        argv = lens.through(command, notes)
        started.append(
            subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=WITHIN_REAL_S)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


def said(process: Started) -> list[str]:
    return process.communicate(timeout=WITHIN_REAL_S)[0].split()


def waiting(start: Start) -> tuple[Started, int]:
    """A process that waits for input, and its supervisor."""
    process = start("sh", "-c", "echo ready; exec cat")
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    status = Path(f"/proc/{process.pid}/status").read_text()
    supervisor = int(status.partition("TracerPid:")[2].split()[0])
    assert supervisor
    return process, supervisor


def test_it_keeps_its_pid_and_its_exit_code(start: Start, notes: Path) -> None:
    process = start("sh", "-c", "echo $$ $PPID; exit 7")
    assert said(process) == [str(process.pid), str(os.getpid())]
    assert process.returncode == 7
    assert read_notes(notes)[1]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_by_the_signal_that_ends_it(start: Start, number: signal.Signals) -> None:
    process = start("sh", "-c", f"kill -{number.value} $$")
    said(process)
    assert process.returncode == -number


def test_it_has_no_children_and_no_group_that_it_did_not_make(start: Start) -> None:
    process, supervisor = waiting(start)
    assert os.getpgid(supervisor) != process.pid
    assert supervisor in family([process.pid])  # what it waits for the host, the machine waits
    assert Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text() == ""
    assert not Path(f"/proc/{supervisor}/environ").read_bytes().strip(b"\0")


def test_a_handler_runs_and_the_sleep_that_it_interrupted_goes_on(start: Start) -> None:
    process = start(
        *python(
            "import signal, time\n"
            "signal.signal(2, lambda *_: print('heard', flush=True))\n"
            "began = time.monotonic(); print('ready', flush=True)\n"
            "time.sleep(50); print(round(time.monotonic() - began) // 10)"
        )
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert said(process) == ["heard", "5"]


def test_one_that_is_stopped_does_nothing_and_then_goes_on(start: Start) -> None:
    """It reads, so it would answer; and its poll keeps to its first deadline."""
    process = start(
        *python(
            "import select, sys, time\n"
            "print('ready', flush=True); began = time.monotonic()\n"
            "select.poll().poll(50_000)\n"
            "took = time.monotonic() - began\n"
            "print(sys.stdin.readline().strip(), 50 <= took < 80, flush=True)"
        )
    )
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    process.stdin.write("asked\n")
    process.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    os.killpg(process.pid, signal.SIGCONT)
    assert said(process) == ["asked", "True"]


def test_its_threads_may_exec_and_its_children_see_the_same_time(start: Start) -> None:
    process = start(
        *python(
            "import os, threading, time\n"
            "code = 'import os, time; began = time.monotonic(); time.sleep(50);'\n"
            "code += 'print(os.getpid(), round(time.monotonic() - began) // 10)'\n"
            "argv = ['python', '-S', '-c', code]\n"
            f"run = lambda: os.execv({sys.executable!r}, argv)\n"
            "threading.Thread(target=run).start(); time.sleep(1e6)"
        )
    )
    began_ns = real_ns()[0]
    assert said(process) == [str(process.pid), "5"]
    assert real_ns()[0] - began_ns < 20e9  # fifty real seconds without the lens


def test_one_that_outlives_the_first_is_still_under_the_lens(start: Start, notes: Path) -> None:
    process = start("sh", "-c", "(sleep 10; echo late) & echo $!")
    assert said(process)[1] == "late"
    assert process.returncode == 0
    assert read_notes(notes)[1]


def test_processor_time_stays_real(start: Start) -> None:
    process = start(
        *python(
            "import time\n"
            "shown, spent = time.monotonic(), time.process_time()\n"
            "while time.process_time() - spent < 0.1: pass\n"
            "print((time.monotonic() - shown) >= 0.1 * 50)"
        )
    )
    assert said(process) == ["True"]


def test_with_its_supervisor_it_dies_and_that_is_known(start: Start, notes: Path) -> None:
    process, supervisor = waiting(start)
    os.kill(supervisor, signal.SIGKILL)
    process.wait(WITHIN_REAL_S)
    assert process.returncode == -signal.SIGKILL
    assert not read_notes(notes)[1]


def test_its_supervisor_does_not_outlive_it(start: Start, notes: Path) -> None:
    process, supervisor = waiting(start)
    watched = os.pidfd_open(supervisor)
    os.killpg(process.pid, signal.SIGKILL)
    said(process)
    assert select.select([watched], [], [], WITHIN_REAL_S)[0] == [watched]
    os.close(watched)
    assert notes.read_text() == "end\n"


def test_what_is_not_covered_is_noted(start: Start, notes: Path) -> None:
    code = (
        "import ctypes, errno, socket\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "refused = libc.syscall(425, 1, 0) == -1 and ctypes.get_errno() == errno.ENOSYS\n"
        "with socket.socket() as sock: sock.setsockopt(6, 4, 60)\n"
        "print(refused)"
    )
    assert said(start(sys.executable, "-c", code)) == ["True"]
    assert [seen.what.split(",")[0] for seen in uncovered(read_notes(notes)[0])] == [
        "was refused io_uring",
        "sets TCP keepalives",
    ]


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may use."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_one_that_hides_its_memory_is_noted(public: Path) -> None:
    """An ordinary user may not see what he has hidden, not even as its tracer."""
    program = Path(shutil.copy(find_program(), public))
    notes = public / "notes"
    code = "import ctypes, time; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); time.sleep(0.01)"
    subprocess.run(
        Lens(program, SPEED, real_ns()[0]).through(["/usr/bin/python3", "-c", code], notes),
        check=True,
        user=65534,
        timeout=WITHIN_REAL_S,
    )
    assert [seen.whole for seen in uncovered(read_notes(notes)[0])] == [True]


def test_what_it_has_set_is_told_as_it_was_set(start: Start) -> None:
    process = start(
        *python(
            "import signal, socket, struct\n"
            "sock = socket.socket()\n"
            "sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000)\n"
            "sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 100, 0))\n"
            "received = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16)\n"
            "print(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))\n"
            "print(round(struct.unpack('ll', received)[0] / 10) * 10)\n"
            "sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 100)\n"
            "sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 7)\n"
            "print(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))\n"
            "print(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL))\n"
            "signal.setitimer(signal.ITIMER_REAL, 100_000, 500)\n"
            "print(*(round(span, -2) for span in signal.getitimer(signal.ITIMER_REAL)))\n"
            "print(round(signal.alarm(50_000), -2), round(signal.alarm(0), -2))"
        )
    )
    told = [float(number) for number in said(process)]
    shortest = SPEED  # a kernel's shortest keepalive is a real second
    assert told == [5000, 100, 100, shortest, 100_000, 500, 100_000, 50_000]


def test_timers_of_processor_time_stay_real(start: Start) -> None:
    """They would fire fifty times as often: Go's profiler has one, and CPython's ITIMER_PROF.

    The kernel charges whole ticks to whoever runs at one, so where others compute too the timer may
    fire after a part of its time; not after a fiftieth of it.
    """
    process = start(
        *python(
            "import signal, time\n"
            "fired = []\n"
            "signal.signal(signal.SIGPROF, lambda *_: fired.append(time.process_time()))\n"
            "signal.setitimer(signal.ITIMER_PROF, 0.05)\n"
            "began = time.process_time()\n"
            "while not fired: pass\n"
            "print(fired[0] - began >= 0.01)"
        )
    )
    assert said(process) == ["True"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_one_that_cannot_be_traced_does_not_run_and_that_is_known(notes: Path) -> None:
    """As where no process can be made any more: a machine that does not run for that is ours."""
    lens = Lens(find_program(), SPEED, real_ns()[0])
    done = subprocess.run(
        ["strace", "-f", "-o", os.devnull, *lens.through(["echo", "it runs"], notes)],
        check=False,
        capture_output=True,
        text=True,
        timeout=WITHIN_REAL_S,
    )
    assert (done.returncode, done.stdout) == (125, "")
    assert "lens: cannot trace: Operation not permitted" in done.stderr
    assert read_notes(notes) == ("failed\n", False)
