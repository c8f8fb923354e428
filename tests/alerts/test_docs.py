"""What docs/alerts.md says is so."""

import json
import re
from pathlib import Path

import pytest
import yaml

from sim.alerts.channels import CommandContext
from sim.alerts.receivers import Receivers
from sim.clock import Clock
from sim.observe.events import Alert
from sim.observe.journal import Journal
from sim.secrets import NO_SECRETS
from sim.topology.load_topology import topology_from_mapping
from sim.topology.model import ALERTS
from tests.alerts.conftest import TOPOLOGY

TEXT = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()


def block(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return found


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_documented(name):
    assert re.search(rf"^\| `{name}` \|", TEXT, re.MULTILINE)


def test_the_receivers_of_the_page_can_be_used():
    document = yaml.load(block("yaml"), yaml.BaseLoader)  # noqa: S506 - makes nothing but text
    hook, page_me = topology_from_mapping({**TOPOLOGY, **document}).alerts
    assert (hook.webhook, hook.on) == ("http://localhost:9000/alerts", ALERTS)
    assert (page_me.command, page_me.on) == (
        ("./page-me.sh", "on-call"),
        ("outage", "residency_broken"),
    )


async def test_the_message_of_the_page_has_the_keys_of_a_real_one(topology, tmp_path):
    clock = Clock()
    around = CommandContext("w", tmp_path, tmp_path, NO_SECRETS)
    receivers = Receivers(topology, around, clock, Journal(clock))
    real = receivers._message(1.0, Alert("region_out", "fra", "began", "gone", "fra", 1.0))
    assert [*json.loads(block("json"))] == [*real]
