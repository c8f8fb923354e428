from __future__ import annotations

import pytest

from sim.programs.running import Spot

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nworld\n-----END CERTIFICATE-----\n"


@pytest.fixture
def spot(tmp_path):
    """London, as a world says it is."""
    folder = tmp_path / "world"
    folder.mkdir()
    return Spot("london", "127.44.2.53:53", "127.44.2.54:8490", CERTIFICATE, folder)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A PATH with nothing in it but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, script="exit 0"):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return str(program)

    return put
