"""Worlds of these tests have our own links, also where CI names a stock server for others."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_links(monkeypatch):
    """Whatever SIM_TOXIPROXY says is for the tests that ask for it."""
    monkeypatch.delenv("SIM_TOXIPROXY", raising=False)
