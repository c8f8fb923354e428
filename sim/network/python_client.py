"""The extra `toxiproxy`: toxiproxy-python, bound to a link server.

For users who know that client. It keeps its server in a class attribute, so there is one binding
in a process at a time; it is synchronous and has no timeouts, so call it from a thread when the
server runs in this process' event loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from sim.errors import EnvironmentLacksError


@contextlib.contextmanager
def bound_to(url: str) -> Iterator[Any]:
    """A `toxiproxy.Toxiproxy` that talks to the link server at `url`, for the length of a block.

    Raises EnvironmentLacksError without the extra.
    """
    try:
        from toxiproxy import Toxiproxy  # noqa: PLC0415 - an optional dependency
        from toxiproxy.api import APIConsumer  # noqa: PLC0415 - as above
    except ImportError as error:
        raise EnvironmentLacksError(
            "toxiproxy-python is not installed",
            "pip install 'multi-region-sim[toxiproxy]'",
        ) from error
    before = (APIConsumer.host, APIConsumer.port)
    where = urlsplit(url)
    client = Toxiproxy()
    client.update_api_consumer(where.hostname, where.port)
    try:
        yield client
    finally:
        client.update_api_consumer(*before)
