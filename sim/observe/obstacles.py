"""What stands between a location and a region: a link that is cut, machines that are down. Pure."""

from __future__ import annotations

from sim.observe.events import LinkChanged, MachineChanged
from sim.observe.events.event import Event


class Obstacles:
    """The links and machines as they were told last."""

    kinds: tuple[type[Event], ...] = (LinkChanged, MachineChanged)

    def __init__(self) -> None:
        self._links: dict[str, str] = {}
        self._machines: dict[str, dict[str, str]] = {}  # by region: each machine's state

    def take(self, event: LinkChanged | MachineChanged) -> None:
        """Learn of a change."""
        if isinstance(event, LinkChanged):
            self._links[event.link] = event.state
        else:
            self._machines.setdefault(event.region, {})[event.machine] = event.state

    def between(self, location: str, region: str | None) -> bool:
        """Whether something stands there, as far as is known; of no region, nothing does."""
        if region is None:
            return False
        machines = self._machines.get(region)
        is_up = not machines or "started" in machines.values()
        return not is_up or self._links.get(f"{location}:{region}", "up") != "up"
