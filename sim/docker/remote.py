"""Connections to the Docker engine of another host: one that has fallen silent ends them.

Otherwise a call waits for ever there, and the simulator for it, since the far end of a connection
that is cut off tells nobody.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import docker
import requests
from docker.constants import MINIMUM_DOCKER_API_VERSION
from docker.errors import DockerException
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from sim.docker.ssh import SshAdapter

_SILENT_REAL_S = 5  # so long nothing may come before the far end is asked whether it is there
_ASKS, _ASK_REAL_S = 5, 1
_UNHEARD_REAL_MS = 10_000  # so long what was sent may go unacknowledged
_KNOCKS_AGAIN = 2  # that takes 7 s
_NOTICES_SILENCE = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT_REAL_S),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _ASK_REAL_S),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASKS),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNHEARD_REAL_MS),
    (socket.IPPROTO_TCP, socket.TCP_SYNCNT, _KNOCKS_AGAIN),
]


class _TcpAdapter(HTTPAdapter):
    """For `tcp://HOST:PORT`, with or without TLS."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """The pool of connections, which notice silence."""
        super().init_poolmanager(*args, **options, socket_options=_NOTICES_SILENCE)


def client(url: str, timeout_s: float | None, connections: int) -> docker.APIClient:
    """A client of the engine at `ssh://…` or `tcp://…`, which answered, with so many connections.

    Its reads wait so long, None: for ever. Raises DockerException, RequestException or OSError.
    """
    if not url.startswith("ssh://"):
        return _asked(url, _TcpAdapter(pool_maxsize=connections), timeout_s)
    adapter = SshAdapter(url, few=timeout_s is not None)
    try:
        return _asked(url, adapter, timeout_s)
    except (requests.RequestException, DockerException) as error:
        with adapter:
            if said := adapter.said():
                raise OSError(said) from error
        raise


def _asked(url: str, adapter: HTTPAdapter, timeout_s: float | None) -> docker.APIClient:
    asking = _client(url, adapter, timeout_s, MINIMUM_DOCKER_API_VERSION)
    told = asking.version(api_version=False)
    if not isinstance(told, dict) or "ApiVersion" not in told:
        raise DockerException("what answers is no Docker engine")
    return _client(url, adapter, timeout_s, told["ApiVersion"])


def _client(url: str, adapter: HTTPAdapter, timeout_s: float | None, version: str) -> Any:
    environment = {**os.environ, "DOCKER_HOST": url}
    settings = docker.utils.kwargs_from_env(environment=environment)
    if isinstance(adapter, SshAdapter):
        settings = {"base_url": "http://engine:80"}  # whose name means nothing: `ssh` leads there
    client = docker.APIClient(**settings, version=version, timeout=timeout_s)
    client.trust_env = not isinstance(adapter, SshAdapter)  # a proxy has no part in that
    client.mount(client.base_url, adapter)
    return client
