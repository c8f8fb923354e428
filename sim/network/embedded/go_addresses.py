"""`host:port` as Go's net package understands it, with its words for what is wrong."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

MAX_PORT = 65535


class AddressError(ValueError):
    """Not an address that can be listened on or dialled; the message is Go's."""


def split(address: str) -> tuple[str, int]:
    """Host (without brackets) and port. Raises AddressError."""
    if address.startswith("["):
        host, bracket, rest = address[1:].partition("]")
        if not bracket:
            raise AddressError(f"address {address}: missing ']' in address")
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = address.rpartition(":")
        if ":" in host:
            raise AddressError(f"address {address}: too many colons in address")
    if colon != ":":
        raise AddressError(f"address {address}: missing port in address")
    if port and not (port.isascii() and port.isdigit() and int(port[:6]) <= MAX_PORT):
        raise AddressError(f"address {port}: invalid port")
    return host, int(port or 0)


def join(host: str, port: int) -> str:
    """The reverse of `split`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_literal(host: str) -> bool:
    """Whether it is an IP address and not a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def resolve(host: str) -> list[str]:
    """The IP addresses of a host, IPv4 first; an empty host is every interface.

    Raises AddressError.
    """
    if not host:
        return ["::" if socket.has_dualstack_ipv6() else "0.0.0.0"]
    if is_literal(host):
        return [host]
    if host == "localhost":
        return ["127.0.0.1", "::1"]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise AddressError(f"lookup {host}: no such host") from error
    hosts = dict.fromkeys(str(info[4][0]) for info in found)
    return sorted(hosts, key=lambda host: ":" in host)
