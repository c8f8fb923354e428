"""What a test breaks: regions, machines, links, locations and services, by the words of scenarios.

Each method is a fault of docs/scenarios.md, takes its parameters as written there, and returns once
it is done. Raises InputError for a name or a parameter that there is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

Inflict = Callable[..., Awaitable[None]]


class _Target:
    """One thing in a world, and the fault that is done to it."""

    def __init__(self, inflict: Inflict, kind: str, value: str | list[str]) -> None:
        self._inflict = inflict
        self._kind = kind
        self._value = value

    def __repr__(self) -> str:
        value = self._value if isinstance(self._value, str) else ":".join(self._value)
        return f"<{type(self).__name__} {value}>"

    async def _do(self, fault: str, **params: Any) -> None:
        given = {key: value for key, value in params.items() if value is not None}
        await self._inflict(fault, **{self._kind: self._value}, **given)


class _Healable(_Target):
    async def heal(self) -> None:
        """Undo what was done to it. Machines that are down stay down: `start` boots them."""
        await self._do("heal")


class _OfMachines(_Healable):
    async def crash(self) -> None:
        """SIGKILL: connections end at once, new ones are refused."""
        await self._do("crash")

    async def stop(self) -> None:
        """The topology's kill_signal: the gateway drains for its kill_timeout at most."""
        await self._do("stop")

    async def start(self) -> None:
        """Boot what is down, and wait until it passes its check. Raises StartError."""
        await self._do("start")

    async def freeze(self, scope: Literal["process", "host"] = "process") -> None:
        """SIGSTOP: connections are accepted and nothing is answered; nor accepted, of a `host`."""
        await self._do("freeze", scope=scope)

    async def thaw(self) -> None:
        """SIGCONT: go on where it stopped."""
        await self._do("thaw")

    async def disconnect(self) -> None:
        """Take the machines' network away (containers only). Raises InputError for processes."""
        await self._do("disconnect")

    async def reconnect(self) -> None:
        """Give it back."""
        await self._do("reconnect")

    async def host(self) -> None:
        """Lose the host: gone at once, and started nowhere else; standby machines take over."""
        await self._do("host")

    async def sicken(self) -> None:
        """Let the health check fail while traffic works."""
        await self._do("sicken")

    async def cure(self) -> None:
        """Let the health check tell the truth again."""
        await self._do("cure")

    async def deploy(
        self,
        *,
        strategy: str | None = None,
        image: str | None = None,
        command: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Bring a release to the machines, the same one unless told; `rolling` unless told."""
        words = list(command) if command else None
        await self._do("deploy", strategy=strategy, image=image, command=words, env=env)


class _OfLinks(_Healable):
    async def slow(
        self,
        latency: str | None = None,
        *,
        jitter: str | None = None,
        bandwidth: str | None = None,
        shared: bool | None = None,
    ) -> None:
        """Add latency and jitter (as `200ms`), or limit bandwidth (`64kbps`) of each connection.

        `shared`: of all connections of a link together.
        """
        await self._do("slow", latency=latency, jitter=jitter, bandwidth=bandwidth, shared=shared)

    async def partition(self, *, mode: str | None = None, towards: str | None = None) -> None:
        """Let nothing cross: `silent` (`towards` one end or both), `refusing`, `unanswered`."""
        await self._do("partition", mode=mode, towards=towards)

    async def reset(self) -> None:
        """Cut every standing connection with RST."""
        await self._do("reset")

    async def half_open(self, connections: int = 1) -> None:
        """Let so many of the standing connections fall silent."""
        await self._do("half_open", connections=connections)

    async def age_limit(self, age: str) -> None:
        """Cut every connection with RST once it has stood for so long (`30s`)."""
        await self._do("age_limit", age=age)

    async def flap(self, period: str) -> None:
        """Go down and up with a period."""
        await self._do("flap", period=period)

    async def loss(self, percent: str) -> None:
        """Lose packets, `5%` of them; TCP makes that delay."""
        await self._do("loss", percent=percent)


class Machine(_OfMachines):
    """One machine: `fra/1`, or an id."""


class Region(_OfMachines, _OfLinks):
    """All machines of a region; as a place, all links that end there."""

    async def blind(self) -> None:
        """Hide the region from the health checker, while clients get through."""
        await self._do("blind")

    async def unblind(self) -> None:
        """Let the health checker see the region again."""
        await self._do("unblind")

    async def scale(self, count: int) -> None:
        """Give the region so many machines."""
        await self._do("scale", count=count)


class Link(_OfLinks):
    """The path between two places, in whichever direction there is one."""


class Service(_OfLinks):
    """A service, such as `database`, with the links that lead to it."""

    async def outage(self) -> None:
        """Let nobody reach the service: what stands is cut, what comes is refused."""
        await self._do("service_outage")


class Location(_OfLinks):
    """A place where clients are, with its nameserver and the links that begin there."""

    async def dns_outage(self) -> None:
        """Let its nameserver answer nothing."""
        await self._do("dns_outage")

    async def dns_wrong(self, answer: Literal["nxdomain", "nodata", "servfail"]) -> None:
        """Let its nameserver, which is up, say that."""
        await self._do("dns_wrong", answer=answer)

    async def stale_dns(self) -> None:
        """Let its nameserver go on answering what it answers now."""
        await self._do("stale_dns")
