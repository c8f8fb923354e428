"""The world's certificate authority: it vouches for the app's name wherever the world speaks TLS.

It is made when somebody first asks for it, in a thread, because the libraries take a tenth of a
second to load: a world in which nobody speaks TLS pays nothing. Where everybody has to, it is made
beside the world's other parts. The authority's key stays in this
process's memory. Certificates are valid from 2000 to 3000, so that a host whose calendar is wrong,
or jumps, sees no failure that is not the world's.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

_HTTP_1_1 = ["http/1.1"]


@dataclass(frozen=True)
class Credentials:
    """TLS credentials of a world. `spki` is how Chromium names the edges' key.

    `certificate` is the authority's own, in PEM; `authority` issues more.
    """

    certificate: str
    spki: str
    server: ssl.SSLContext
    client: ssl.SSLContext
    authority: trustme.CA = field(repr=False)


class CertificateAuthority:
    """Issues one certificate, for `hostname`, that every edge of the world has, and others."""

    def __init__(self, hostname: str) -> None:
        self._hostname = hostname
        self._making: asyncio.Future[Credentials] | None = None

    def __repr__(self) -> str:
        made = self._making is not None and self._making.done()
        return f"<Certificates for {self._hostname}, {'made' if made else 'not asked for yet'}>"

    async def prepare(self) -> None:
        """Have them made now, where the first client must not wait for it."""
        await self.credentials()

    async def credentials(self) -> Credentials:
        """The same ones for everybody who asks."""
        if self._making is None:
            self._making = asyncio.ensure_future(asyncio.to_thread(_make, self._hostname))
        return await asyncio.shield(self._making)  # one who leaves must not end it for the others

    async def vouch_for(self, *names: str) -> ssl.SSLContext:
        """What a server needs that is called by these names and addresses."""
        credentials = await self.credentials()
        return await asyncio.to_thread(_context, _issue(credentials.authority, *names))


def _make(hostname: str) -> Credentials:
    import trustme  # noqa: PLC0415 - with `cryptography` it takes 0.1 s
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
        Encoding,
        PublicFormat,
    )
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - as above

    authority = trustme.CA(
        organization_name="multi-region-sim", organization_unit_name=f"the world of {hostname}"
    )
    leaf = _issue(authority, hostname)
    certificate = authority.cert_pem.bytes().decode("ascii")
    key = load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Credentials(
        certificate=certificate,
        spki=b64encode(sha256(spki).digest()).decode("ascii"),
        server=_server(leaf, hostname),
        client=ssl.create_default_context(cadata=certificate),
        authority=authority,
    )


def _issue(authority: trustme.CA, *names: str) -> trustme.LeafCert:
    return authority.issue_cert(*names, organization_name="multi-region-sim")


def _context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Fly's default, PostgreSQL's too
    leaf.configure_cert(context)
    return context


def _server(leaf: trustme.LeafCert, hostname: str) -> ssl.SSLContext:
    context = _context(leaf)
    context.set_alpn_protocols(_HTTP_1_1)

    def choose(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
        if name is None or name.lower().rstrip(".") == hostname:
            return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = choose
    return context
