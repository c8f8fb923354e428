from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode

from sim.authority import CertificateAuthority


async def test_everybody_has_the_same_papers_and_nobody_waits_for_who_left():
    authority = CertificateAuthority("demo.fly.dev")
    assert "not asked for yet" in repr(authority)
    first, second = (asyncio.create_task(authority.credentials()) for _ in range(2))
    await asyncio.sleep(0)  # noqa: TID251 - let both begin
    first.cancel()
    assert await second is await authority.credentials()
    assert "made" in repr(authority)


async def test_clients_trust_the_worlds_authority_and_nobody_else():
    credentials = await CertificateAuthority("demo.fly.dev").credentials()
    trusted = credentials.client.get_ca_certs(binary_form=True)
    assert trusted == [ssl.PEM_cert_to_DER_cert(credentials.certificate)]
    assert b"the world of demo.fly.dev" in trusted[0]
    assert len(b64decode(credentials.spki)) == 32


async def test_two_worlds_do_not_trust_each_other():
    one, other = [await CertificateAuthority("demo.fly.dev").credentials() for _ in range(2)]
    assert one.certificate != other.certificate
    assert one.spki != other.spki
