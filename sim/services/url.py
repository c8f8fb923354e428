"""The address of an existing database: where it is, and the same one through a link."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit, urlunsplit

from sim.topology.addresses import Endpoint

_DEFAULT_PORT = 5432


def endpoint_of(url: str) -> Endpoint:
    """Host and port of a database's URL."""
    parts = urlsplit(url)
    return Endpoint(parts.hostname or "127.0.0.1", parts.port or _DEFAULT_PORT)


def password_of(url: str) -> str:
    """The password in a database's URL, or an empty text."""
    return unquote(urlsplit(url).password or "")


def through(url: str, link: Endpoint) -> str:
    """The URL by which a machine reaches the same database through a link."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{link}"))


def with_sslmode(url: str, sslmode: str) -> str:
    """The URL of a database of ours, which has nothing else to say, with that sslmode."""
    return urlunsplit(urlsplit(url)._replace(query=f"sslmode={sslmode}"))
