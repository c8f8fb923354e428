"""A world with something to tell, and what Prometheus is told of it."""

from __future__ import annotations

import asyncio
import urllib.request
from collections import defaultdict
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sim.observe.events import Alert
from sim.testing import open_world

TOPOLOGY = Path(__file__).parents[2] / "topologies" / "outages" / "two-regions.yaml"


class Scrape:
    """One exposition, parsed."""

    def __init__(self, text):
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self._samples = defaultdict(list)
        for family in self.families:
            for sample in family.samples:
                self._samples[sample.name].append(sample)
                if family.type == "counter":  # the parser adds to names that end otherwise
                    self._samples[family.name].append(sample)

    @property
    def names(self):
        return {*self._samples}

    @property
    def samples(self):
        return [sample for family in self.families for sample in family.samples]

    def sum(self, name, **labels):
        """The sum of a metric's series that have these labels."""
        return sum(
            sample.value
            for sample in self._samples[name]
            if labels.items() <= sample.labels.items()
        )


def _cut_off_london(event):
    """A busy machine may cut off others too."""
    return isinstance(event, Alert) and (event.alert, event.subject) == ("outage", "london")


class Watched:
    """A world in which London was cut off from Frankfurt while its clients talked."""

    def __init__(self, world):
        self.world = world
        self.inside = world.world
        self.url = f"{self.inside.record.control_url}/metrics"

    def scrape(self, **headers):
        request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 - our own
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            self.content_type = answer.headers["Content-Type"]
            return Scrape(answer.read().decode())

    def run(self, story):
        """What a story in the world's hands gives."""
        return asyncio.run(story)

    async def talk(self):
        """A load through a crash, scraped before it, in its midst, and after the repair."""
        world = self.world
        async with world.load(driver="session", clients=10, every="500ms") as load:
            await load.everyone_served()
            self.before = self.scrape()
            await world.region("fra").crash()
            await world.seen(_cut_off_london)
            self.during = self.scrape()
            await load.everyone_served()
            await world.heal()
            self.after = self.scrape()


@pytest.fixture(scope="module")
def watched():
    with open_world(TOPOLOGY, seed=3, speed=10) as world:
        watched = Watched(world)
        asyncio.run(watched.talk())
        yield watched
