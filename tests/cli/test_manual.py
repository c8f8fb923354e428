"""`sim manual`: every command of `--help`, in a page that man(1) reads without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from sim.cli import cli
from sim.cli.manual import _plain
from tests.cli.test_help import ALL


@pytest.fixture(scope="module")
def page():
    return CliRunner().invoke(cli, ["manual"], prog_name="sim").output


def test_every_command_has_its_part(page):
    parts = re.findall(r'^\.SS "sim (.+)"$', page, re.MULTILINE)
    for name in ALL:
        assert any(f"{part.replace(chr(92), '')} ".startswith(f"{name} ") for part in parts), name


def test_it_reads_as_text_and_man_complains_of_nothing(page, tmp_path):
    if not shutil.which("man"):
        pytest.skip("no man")
    path = tmp_path / "sim.1"
    path.write_text(page)
    argv = ["man", "--warnings", "-E", "UTF-8", "-l", str(path)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env={"MANWIDTH": "100"})
    assert done.stderr == ""
    text = " ".join(done.stdout.split())
    assert "sim fault slow [OPTIONS]" in text
    assert "Exit codes: 0 held or done, 1 an expectation failed" in text


@pytest.mark.parametrize(
    ("text", "roff"),
    [
        (".command at the beginning", "\\&.command at the beginning"),
        ("'quoted' at the beginning", "\\&'quoted' at the beginning"),
        ("a\\b --c", "a\\eb \\-\\-c"),
    ],
)
def test_nothing_is_taken_for_a_request(text, roff):
    assert _plain(text) == roff
