"""An entry spoken to in SOCKS 5, by name (the entry resolves) or by address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sim.clients.stub_resolver import ResolveError
from sim.places import socks
from sim.places.place import Place
from sim.places.reachable import OutOfReachError
from sim.places.socks import MalformedError, Reply
from sim.streams.splice import splice
from sim.streams.tcp import TcpStream

T = TypeVar("T")

_GREETING_REAL_S = 60.0


class SocksProxy:
    """Serves one client's connection; `run` returns when it is over."""

    def __init__(self, stream: TcpStream, place: Place) -> None:
        self._stream = stream
        self._place = place
        self._come = b""

    async def run(self) -> None:
        """Serve the one request. Raises ConnectionError, TimeoutError."""
        clock = self._place.clock
        try:
            async with clock.timeout(_GREETING_REAL_S * clock.speed):
                if not await self._read(socks.read_greeting):
                    self._stream.write(socks.UNWELCOME)
                    return
                self._stream.write(socks.WELCOME)
                destination = await self._read(socks.read_request)
            origin = await self._place.connect(destination)
        except (MalformedError, OutOfReachError, ResolveError, OSError) as error:
            self._stream.write(_reply_to(error).encoded())
            return
        self._stream.write(Reply.SUCCEEDED.encoded())
        await splice(self._stream, origin, self._come, b"")

    async def _read(self, parse: Callable[[bytes], tuple[T, int] | None]) -> T:
        """What the client says next. Raises MalformedError."""
        while (found := parse(self._come)) is None:
            if len(self._come) > socks.LONGEST:
                raise MalformedError(Reply.FAILED)
            data = await self._stream.read()
            if not data:
                raise ConnectionResetError("the client left before it had said what it wants")
            self._come += data
        said, length = found
        self._come = self._come[length:]
        return said


def _reply_to(error: Exception) -> Reply:
    match error:
        case MalformedError():
            return error.reply
        case OutOfReachError():
            return Reply.NOT_ALLOWED
        case ConnectionRefusedError():
            return Reply.REFUSED
        case ResolveError():
            return Reply.HOST_UNREACHABLE
    return Reply.FAILED
