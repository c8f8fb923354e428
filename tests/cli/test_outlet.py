"""What becomes of a command when nobody reads it, its disk is full, or its terminal is dumb."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIM = [sys.executable, "-m", "sim"]
# The table that a campaign ends with: a program of its own, for which nothing has to be run.
TABLE = """
from sim.cli.campaign import _show
kinds = {"held": 1, "failed": 1, "unknown": 0}
row = {"value": "30s", **kinds, "outage_s": None, "lost": None, "cost_usd_month": None}
_show({
    "varied": [{"key": "routing.ttl", "values": [row]}], "worst": None, "setups": [],
    "missing_because": [" ".join(["why"] * 60)], "missing": 1, "runs": 3, **kinds,
    "verdict": "failed",
})
"""
# What is told while a scenario runs: one line, and the bar where there is one.
RUN = """
from sim.cli.progress import progress
from sim.observe.events import FaultBegan, LoadStarted
from sim.observe.journal import Record
with progress(60.0) as watch:
    watch(Record(0.0, LoadStarted(clients=1)))
    watch(Record(2.0, FaultBegan("crash", "fra", {"why": "x" * 150})))
"""


@pytest.fixture
def nobody():
    """The writing end of a pipe whose reader is gone, as after `| head`."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("words", [["schema", "topology"], ["--help"], ["run", "--help"]])
def test_what_nobody_reads_ends_the_command_without_a_word(words, nobody):
    done = subprocess.run(
        [*SIM, *words], check=False, stdout=nobody, stderr=subprocess.PIPE, text=True
    )
    assert (done.returncode, done.stderr) == (141, "")


def test_the_code_of_a_mistake_stays_where_nobody_reads_its_message(nobody):
    words = ["validate", "nothing.yaml"]
    done = subprocess.run([*SIM, *words], check=False, stdout=nobody, stderr=nobody)
    assert done.returncode == 2


def test_a_full_disk_is_said(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*SIM, "schema", "topology"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def environment(**env):
    """This process's own, without what it may say of terminals."""
    of_terminals = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS")
    return {**{k: v for k, v in os.environ.items() if k not in of_terminals}, **env}


def on_a_terminal(code, **env):
    """What a Python program prints on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(**env),
    )
    os.close(theirs)
    said = b""
    try:
        while new := os.read(ours, 4096):
            said += new
    except OSError:  # it has ended, and the terminal's other end with it
        pass
    finally:
        os.close(ours)
    assert process.wait() == 0, said.decode()
    return said.decode()


@pytest.mark.parametrize("code", [TABLE, RUN])
def test_a_dumb_terminal_gets_no_escape_sequences(code):
    assert "\x1b" in on_a_terminal(code, TERM="xterm-256color")
    assert "\x1b" not in on_a_terminal(code, TERM="dumb")


@pytest.mark.parametrize("code", [TABLE, RUN])
def test_without_colour_there_is_none(code):
    colour = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38;[0-9;]+)m")
    assert colour.search(on_a_terminal(code, TERM="xterm-256color"))
    assert not colour.search(on_a_terminal(code, TERM="xterm-256color", NO_COLOR="1"))


def test_a_pipe_gets_lines_as_long_as_they_are():
    argv = [sys.executable, "-c", TABLE]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=environment())
    assert " ".join(["why"] * 60) in done.stdout.splitlines()
    assert "\x1b" not in done.stdout
