"""Six repositories as six people have them: from a clone to a verdict by what `sim init` says.

Nobody edits a file in between. The simplest four need nothing but Node, Python, Go or Java.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docker.private_engine import BASE

HERE = Path(__file__).parent / "repositories"
MOST_COMMANDS = 3  # `sim init` among them

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]


def verdict_of(name, tmp_path, **variables):
    """The commands of a newcomer, and the report of the last of them."""
    folder = tmp_path / name
    shutil.copytree(HERE / name, folder)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sim").write_text(f'#!/bin/sh\nexec {sys.executable} -m sim "$@"\n')
    (programs / "sim").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **variables}

    def said(line):
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode in (0, 1), f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    commands = re.findall(r"^ {4}(.+)$", said("sim init"), re.MULTILINE)
    assert len(commands) < MOST_COMMANDS
    for line in commands[:-1]:
        said(line)
    assert commands[-1].startswith("sim run ")
    said(f"{commands[-1]} --json report.json --seed 7")
    return json.loads((folder / "report.json").read_text())


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"no {program}")


@pytest.mark.parametrize(
    ("name", "programs"),
    [
        ("node-ws", ["node", "npm"]),
        ("fastapi-redis", ["redis-server"]),
        ("go-http", ["go"]),
        ("socketio", ["node", "npm"]),
        ("java", ["java"]),
    ],
)
def test_two_or_three_commands_come_to_a_verdict(name, programs, tmp_path):
    needs(*programs)
    report = verdict_of(name, tmp_path)
    assert report["verdict"] == "held", report["expectations"]
    (outage,) = [row for row in report["outages"] if row["location"] in ("london", "new-york")]
    assert outage["seconds"] > 10  # nobody noticed would mean that nobody was there
    assert report["driver_errors"] == []


def test_a_compose_file_alone_comes_to_a_verdict(engine, tmp_path):
    tag = ["docker", "-H", engine, "tag", BASE, "python:3.12-slim"]  # there is no registry here
    subprocess.run(tag, check=True)
    report = verdict_of("compose-only", tmp_path, DOCKER_HOST=engine)
    assert report["verdict"] == "held", report["expectations"]
    assert report["runtime"] == "docker"
