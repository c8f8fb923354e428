"""`sim top` on a terminal of 80 columns, and without one."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

OWN_SCREEN, BACK, CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


@pytest.fixture
def up(sim, topologies):
    done = sim("up", topologies / "outages" / "two-regions.yaml", "--detach", "--speed", "10")
    assert done.returncode == 0, done.stderr
    return sim


def own_terminal():
    """In the child: let Ctrl-C on its terminal reach it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """`sim top` on a terminal of its own."""

    def __init__(self, sim):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**sim.environment, "TERM": "xterm-256color"}
        environment.pop("COLUMNS")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim", "top"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
            preexec_fn=own_terminal,  # noqa: PLW1509 - nothing else runs here
        )
        os.close(theirs)
        self.seen = b""

    def until(self, wanted):
        while wanted not in self.seen:
            ready, _, _ = select.select([self._ours], [], [], 30)
            assert ready, self.seen
            self.seen += os.read(self._ours, 65536)

    def press(self, key):
        os.write(self._ours, key)

    def end(self):
        code = self.process.wait(timeout=30)
        while select.select([self._ours], [], [], 0)[0]:
            try:
                self.seen += os.read(self._ours, 65536)
            except OSError:
                break
        os.close(self._ours)
        return code


def test_it_shows_what_happens_and_ctrl_c_leaves_a_clean_terminal(up):
    terminal = Terminal(up)
    terminal.until(b"fra/1")
    assert OWN_SCREEN in terminal.seen
    assert up("fault", "crash", "--region", "fra").returncode == 0
    terminal.until(b"crash fra")
    terminal.until(b"machine_down")
    terminal.press(b"\x03")
    assert terminal.end() == 0
    last_screen = terminal.seen.rindex(BACK)
    assert last_screen > terminal.seen.rindex(b"fra/1")
    assert CURSOR in terminal.seen
    assert b"Traceback" not in terminal.seen

    printed = up("top")  # without a terminal: one frame
    assert printed.returncode == 0, printed.stderr
    assert "fra/1" in printed.stdout
    assert "\x1b" not in printed.stdout
    assert up("top", "--world", "nope").returncode == 2


def test_the_terminal_is_clean_too_when_it_is_terminated_or_the_world_ends(up):
    terminal = Terminal(up)
    terminal.until(b"fra/1")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 143
    assert BACK in terminal.seen

    terminal = Terminal(up)
    terminal.until(b"fra/1")
    assert up("down").returncode == 0
    assert terminal.end() == 0
    assert b"has ended" in terminal.seen[terminal.seen.rindex(BACK) :]
