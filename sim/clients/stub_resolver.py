"""A stub resolver: one question to one nameserver, asked from the client's own address.

Over UDP, and over TCP where the answer was truncated (RFC 7766). Timeout and attempts are glibc's
defaults (resolv.conf(5): timeout 5, attempts 2), in simulated seconds.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from dnslib import QTYPE, RCODE, DNSRecord
from dnslib.dns import DNSError
from dnslib.label import DNSLabelError

from sim.clock import Clock
from sim.rng import Rng
from sim.topology.addresses import Endpoint

_TIMEOUT_S = 5.0
_ATTEMPTS = 2
_UNREADABLE = (DNSError, DNSLabelError, UnicodeError)


class ResolveError(Exception):
    """The name could not be resolved. `negative_ttl_s` says how long that may be remembered.

    `denied` where that is an answer (there is no such name or address), not the lack of one.
    """

    def __init__(self, reason: str, negative_ttl_s: float = 0.0, *, denied: bool = False) -> None:
        self.negative_ttl_s = negative_ttl_s
        self.denied = denied
        super().__init__(reason)


@dataclass(frozen=True)
class Answer:
    """The addresses of a name and how long they may be kept, in simulated seconds.

    `stale` where they had expired and nothing newer could be had.
    """

    addresses: tuple[str, ...]
    ttl_s: float
    stale: bool = False


class StubResolver:
    """Asks `nameserver` from the address `source`."""

    def __init__(self, nameserver: Endpoint, source: str, clock: Clock, rng: Rng) -> None:
        self._nameserver = nameserver
        self._source = source
        self._clock = clock
        self._rng = rng

    async def resolve(self, name: str) -> Answer:
        """The A records of a name. Raises ResolveError."""
        reason = "no answer"
        for _ in range(_ATTEMPTS):
            query = _question(name)
            query.header.id = self._rng.getrandbits(16)
            try:
                async with self._clock.timeout(_TIMEOUT_S):
                    reply = await self._ask(query)
            except TimeoutError:
                reason = f"no answer from {self._nameserver} within {_TIMEOUT_S:g} s"
            except OSError as error:
                reason = f"nameserver {self._nameserver}: {error.strerror or error}"
            else:
                return read_answer(name, reply)
        raise ResolveError(reason)

    async def _ask(self, query: DNSRecord) -> DNSRecord:
        reply = await self._over_udp(query)
        return await self._over_tcp(query) if reply.header.tc else reply

    async def _over_udp(self, query: DNSRecord) -> DNSRecord:
        loop = asyncio.get_running_loop()
        transport, exchange = await loop.create_datagram_endpoint(
            lambda: _Exchange(query),
            local_addr=(self._source, 0),
            remote_addr=(self._nameserver.host, self._nameserver.port),
        )
        try:
            transport.sendto(query.pack())
            return await exchange.reply
        finally:
            transport.close()

    async def _over_tcp(self, query: DNSRecord) -> DNSRecord:
        reader, writer = await asyncio.open_connection(
            self._nameserver.host, self._nameserver.port, local_addr=(self._source, 0)
        )
        try:
            message = query.pack()
            writer.write(struct.pack("!H", len(message)) + message)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            reply = DNSRecord.parse(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, *_UNREADABLE) as error:
            raise OSError(f"no whole answer over TCP: {error}") from error
        finally:
            writer.close()
        if not answers(query, reply):
            raise OSError("the answer over TCP is to another question")
        return reply


def _question(name: str) -> DNSRecord:
    try:
        query = DNSRecord.question(name, "A")
        query.pack()
    except _UNREADABLE as error:
        raise ResolveError(f"{name!r} is no domain name") from error
    return query


class _Exchange(asyncio.DatagramProtocol):
    """Waits for the one datagram that answers the query; others are passed over (RFC 5452)."""

    def __init__(self, query: DNSRecord) -> None:
        self._query = query
        self.reply: asyncio.Future[DNSRecord] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's
        try:
            reply = DNSRecord.parse(data)
        except _UNREADABLE:
            return
        if answers(self._query, reply) and not self.reply.done():
            self.reply.set_result(reply)

    def error_received(self, exc: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(exc)


def answers(query: DNSRecord, reply: DNSRecord) -> bool:
    """Whether this is a response to that very question."""
    return bool(
        reply.header.qr
        and reply.header.id == query.header.id
        and [(q.qname, q.qtype) for q in reply.questions]
        == [(q.qname, q.qtype) for q in query.questions]
    )


def read_answer(name: str, reply: DNSRecord) -> Answer:
    """The addresses that a response gives. Raises ResolveError where it gives none."""
    records = [record for record in reply.rr if record.rtype == QTYPE.A]
    if reply.header.rcode == RCODE.NOERROR and records:
        addresses = tuple(str(record.rdata) for record in records)
        return Answer(addresses, float(min(record.ttl for record in records)))
    negative_ttl_s = 0.0
    denied = reply.header.rcode in {RCODE.NOERROR, RCODE.NXDOMAIN}
    if denied:
        # RFC 2308 section 5: the smaller of the SOA's own TTL and its last field.
        soas = [record for record in reply.auth if record.rtype == QTYPE.SOA]
        negative_ttl_s = float(min((min(soa.ttl, soa.rdata.times[4]) for soa in soas), default=0))
    rcode = RCODE.get(reply.header.rcode)
    reason = "no address" if rcode == "NOERROR" else rcode
    raise ResolveError(f"{name}: {reason}", negative_ttl_s, denied=denied)
