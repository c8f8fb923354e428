"""A link server that runs already and is somebody else's: it is only waited for."""

from __future__ import annotations

from sim.clock import Clock
from sim.errors import EnvironmentLacksError
from sim.network.toxiproxy_api import LinkServerClient, LinkServerError

POLL_REAL_S = 0.02
READY_REAL_S = 10.0


async def answers(url: str) -> bool:
    """Whether a link server answers there now."""
    client = LinkServerClient(url, timeout_s=1.0)
    try:
        await client.about()
    except LinkServerError:
        return False
    else:
        return True
    finally:
        await client.close()


class RemoteLinkServer:
    """The server at `url`; `remedy` is what to do about one that does not answer."""

    pid: int | None = None

    def __init__(self, url: str, clock: Clock, remedy: str) -> None:
        self.url = url
        self._clock = clock
        self._remedy = remedy

    def __repr__(self) -> str:
        return f"<RemoteLinkServer {self.url}>"

    async def start(self) -> None:
        """Wait until it answers. Raises EnvironmentLacksError if it does not in ten seconds."""
        try:
            async with self._clock.timeout(READY_REAL_S * self._clock.speed):
                while not await answers(self.url):
                    await self._clock.sleep(POLL_REAL_S * self._clock.speed)
        except TimeoutError:
            raise EnvironmentLacksError(
                f"no link server answers at {self.url}", f"start it, or {self._remedy}"
            ) from None

    async def ping(self) -> None:
        """Ask nothing: what is wrong with it shows in its links."""

    async def stop(self) -> None:
        """Leave it running: it is somebody else's."""
