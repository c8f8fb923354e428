from __future__ import annotations

import os
from pathlib import Path

from sim.processes.masked_log import MaskedLog
from sim.secrets import redactor


def written(path, *chunks, redact=None):
    log = MaskedLog(path, redact or redactor(["hunter2"]))
    for chunk in chunks:
        os.write(log.write_end, chunk)
    os.close(log.write_end)
    log.finish()
    return path.read_bytes()


async def test_a_secret_in_two_writes_is_masked(tmp_path):
    found = written(tmp_path / "log", b"the key is hun", b"ter2, keep it\n")
    assert found == "the key is ••••••, keep it\n".encode()


async def test_bytes_that_are_no_text_pass_unchanged(tmp_path):
    assert written(tmp_path / "log", b"\xff\xfe\n", b"last") == b"\xff\xfe\nlast"


async def test_it_goes_on_at_the_end_of_the_file(tmp_path):
    (tmp_path / "log").write_bytes(b"first run\n")
    assert written(tmp_path / "log", b"second run\n") == b"first run\nsecond run\n"


async def test_a_full_disk_costs_lines_and_nothing_else():
    """What is printed is taken off the pipe all the same, so the child never waits."""
    log = MaskedLog(Path("/dev/full"), redactor([]))
    for _ in range(3):
        os.write(log.write_end, b"x" * 60_000 + b"\n")
        assert log._read()
    os.close(log.write_end)
    log.finish()
