"""Campaigns that bring no world up: their files, and rows as runs would give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.campaign.load_campaign import load_campaign
from sim.campaign.matrix import Campaign, Cell
from sim.campaign.row import Row

TOPOLOGIES = Path(__file__).parents[2] / "topologies"
TTL = {"routing.ttl": ["5s", "30s", "60s"], "gateway.checks[0].interval": ["10s", "30s"]}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a campaign over the example's crash, with other keys."""

    def file(**keys: Any) -> Path:
        data = {"scenarios": [str(TOPOLOGIES / "frankfurt-crash.yaml")], **keys}
        path = tmp_path / "campaign.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return path

    return file


@pytest.fixture
def campaign(file):
    """The campaign of such a file."""

    def campaign(**keys: Any) -> Campaign:
        return load_campaign(file(**keys))

    return campaign


@pytest.fixture
def row():
    """What a run of a cell came to: it held, with an outage as its TTL has it, and no noise."""

    def row(cell: Cell, **changes: Any) -> Row:
        ttl_s = float(str(cell.settings.get("routing.ttl", "30s")).removesuffix("s"))
        return {
            "cell": cell.id,
            "index": cell.index,
            "setup": cell.setup,
            "seed": cell.seed,
            "verdict": "held",
            "why": [],
            "outage_s": 10.0 + ttl_s + cell.seed,
            "outages_s": {"london": 10.0 + ttl_s + cell.seed},
            "detection_s": 10.0,
            "lost": 0,
            "duplicated": 0,
            "reordered": 0,
            "forgotten": 0,
            "cost_usd_month": 10.4,
            "noisy": False,
            "alone": False,
            **changes,
        }

    return row
