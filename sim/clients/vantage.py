"""A client's vantage point: it resolves, and connects, as a program in its location would."""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from sim.authority import CertificateAuthority
from sim.clients import eyeballs
from sim.clients.dial import dial
from sim.clients.dns_cache import DnsCache
from sim.clients.load_spec import Personality
from sim.clients.stub_resolver import Answer, ResolveError, StubResolver
from sim.clients.urls import only_to
from sim.clients.websocket import Wire
from sim.clock import Clock
from sim.observe.events import Resolved
from sim.observe.journal import Journal
from sim.rng import Rng
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Topology

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.tracing import Trace


@dataclass(frozen=True)
class ClientContext:
    """The part of a world that clients see. `resolver_port` is that of every nameserver.

    `authority` is whose certificates they trust, and nobody else's.
    """

    topology: Topology
    plan: AddressPlan
    resolver_port: int
    clock: Clock
    journal: Journal
    authority: CertificateAuthority


class Vantage:
    """One client's place in the world: its source address, its DNS cache, its HTTP sessions.

    `address` is where its last connection attempt went (None before the first, and where the
    name could not be resolved); `doing` says how far that came, for messages.
    """

    def __init__(
        self,
        location: str,
        number: int,
        personality: Personality,
        context: ClientContext,
        rng: Rng,
    ) -> None:
        plan = context.plan
        self.personality = personality
        self.location = location
        self.name = f"{location}/{number}"
        self.source = plan.client(location, number)
        self.address: str | None = None
        self.doing = ""
        self.authority = context.authority
        self._hostname = context.topology.hostname
        self._watch = only_to(self._hostname)
        self._schemes = _SECURED if context.topology.gateway.force_https else {}
        self._plan = plan
        self._clock = context.clock
        self._journal = context.journal
        nameserver = Endpoint(plan.nameserver(location), context.resolver_port)
        stub = StubResolver(nameserver, self.source, context.clock, rng)
        self._cache = DnsCache(stub.resolve, personality, context.clock, self._fresh)

    def __repr__(self) -> str:
        return f"<Vantage {self.name} at {self.source}, last connected to {self.address}>"

    @property
    def region(self) -> str | None:
        """The region that the last connection attempt was led to."""
        return self._plan.region_at(self.address) if self.address else None

    def url(self, path: str = "/", scheme: str = "http") -> str:
        """The public URL of a path of the gateway: with TLS where the edge answers nothing else."""
        return f"{self._schemes.get(scheme, scheme)}://{self._hostname}{path}"

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses that this client would use now. Raises ResolveError."""
        return await self._cache.resolve(host)

    async def close(self) -> None:
        """End what its cache still asks."""
        await self._cache.close()

    async def connect(self, host: str, *, secure: bool = False) -> socket.socket:
        """A connection to a host from this place, with the client's address made known.

        Addresses are tried in the order of the answer, or raced where that is the client's
        personality. `secure` where TLS is to be the first thing said on it. Raises ResolveError,
        OSError.
        """
        self.address = None
        self.doing = f"resolving {host}"
        addresses = await self.resolve(host)
        if self.personality == "happy_eyeballs" and len(addresses) > 1:
            won = await self._race(host, addresses)
            if not secure or self.address is None:
                return won
            won.close()  # plain HTTP was spoken on it
            addresses = (self.address,)
        failure: OSError = OSError(f"{host} has no address")
        for address in addresses:
            self.address = address
            self.doing = f"connecting to {address}"
            try:
                sock = await dial(self.source, address, self._clock)
            except OSError as error:
                failure = error
            else:
                self.doing = f"waiting for an answer from {address}"
                return sock
        raise failure

    def open(
        self, cookies: aiohttp.abc.AbstractCookieJar, *watches: aiohttp.TraceConfig
    ) -> aiohttp.ClientSession:
        """An HTTP session from this place. Its connections live no longer than it does.

        It has no timeouts of its own: they run on the clock, where the caller sets them.
        """
        return aiohttp.ClientSession(
            connector=_Connector(self),
            cookie_jar=cookies,
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None),
            ws_response_class=Wire,
            trace_configs=[self._watch, *watches],
        )

    async def _race(self, host: str, addresses: tuple[str, ...]) -> socket.socket:
        async def attempt(address: str) -> socket.socket:
            sock = await dial(self.source, address, self._clock)
            try:
                await eyeballs.answers(sock, host)
            except BaseException:
                sock.close()
                raise
            return sock

        self.address = addresses[0]
        self.doing = f"connecting to {' and '.join(addresses)}"
        self.address, sock = await eyeballs.race(addresses, attempt, self._clock)
        self.doing = f"waiting for an answer from {self.address}"
        return sock

    def _fresh(self, _name: str, answer: Answer | ResolveError, expires: float) -> None:
        address = answer.addresses[0] if isinstance(answer, Answer) else None
        self._journal.write(
            Resolved(
                client=self.name,
                location=self.location,
                region=self._plan.region_at(address) if address else None,
                address=address,
                expires=None if math.isinf(expires) else round(expires, 6),
                error=str(answer) if isinstance(answer, ResolveError) else None,
                stale=isinstance(answer, Answer) and answer.stale,
            )
        )


_SECURED = {"http": "https", "ws": "wss"}


class _Connector(aiohttp.BaseConnector):
    """Gives aiohttp the connections that a vantage point makes.

    `_create_connection` is the one method that BaseConnector leaves to its subclasses; it and
    `_factory` have been the same from aiohttp 3.0 to 3.14. The public hooks (resolver,
    local_addr, socket_factory) cannot say anything on the connection before TLS or HTTP begins,
    which the PROXY header needs.
    """

    def __init__(self, vantage: Vantage) -> None:
        super().__init__(limit=0)
        self._vantage = vantage

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],  # noqa: ARG002 - aiohttp's signature
        timeout: ClientTimeout,  # noqa: ARG002, ASYNC109 - aiohttp's signature
    ) -> ResponseHandler:
        host = req.url.raw_host or ""
        secure = req.is_ssl()
        try:
            sock = await self._vantage.connect(host, secure=secure)
        except ResolveError as error:
            failure = OSError(None, str(error))
            raise aiohttp.ClientConnectorDNSError(req.connection_key, failure) from error
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error
        try:
            tls: dict[str, Any] = {}
            if secure:
                credentials = await self._vantage.authority.credentials()
                tls = {"ssl": credentials.client, "server_hostname": host}
        except BaseException:
            sock.close()
            raise
        try:
            _, protocol = await self._loop.create_connection(self._factory, sock=sock, **tls)
        except ssl.SSLCertVerificationError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except ssl.SSLError as error:
            raise aiohttp.ClientConnectorSSLError(req.connection_key, error) from error
        except OSError as error:
            raise aiohttp.ClientConnectorError(req.connection_key, error) from error
        except BaseException:
            # The loop has it now, and after a handshake says TLS's farewell on it. Closed under the
            # loop, its descriptor would go to the next connection.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            raise
        return protocol
