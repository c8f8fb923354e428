from __future__ import annotations

import h11
import pytest

from sim.places.proxied_target import NoDestinationError, backward, destination_of, onward
from sim.places.reachable import Destination


def request(target, method="GET", *more):
    fields = [("Host", "demo.fly.dev"), *more]
    return h11.Request(method=method, target=target, headers=fields)


@pytest.mark.parametrize(
    ("method", "target", "host", "port"),
    [
        ("CONNECT", "demo.fly.dev:443", "demo.fly.dev", 443),
        ("CONNECT", "127.44.2.101:8480", "127.44.2.101", 8480),
        ("GET", "http://demo.fly.dev", "demo.fly.dev", 80),
        ("POST", "http://u:p@Demo.fly.dev:8480/a?b=http://c/", "demo.fly.dev", 8480),
        ("GET", "ws://demo.fly.dev/session", "demo.fly.dev", 80),
    ],
)
def test_where_a_request_is_to_go(method, target, host, port):
    assert destination_of(request(target, method)) == Destination(host, port)


@pytest.mark.parametrize(
    ("method", "target", "says"),
    [
        ("GET", "/", "whole URLs"),
        ("GET", "https://demo.fly.dev/", "CONNECT demo.fly.dev:443"),
        ("GET", "ftp://demo.fly.dev/", "whole URLs"),
        ("GET", "http://demo.fly.dev:99999/", "whole URLs"),
        ("GET", "http://[::1/", "whole URLs"),
        ("CONNECT", "demo.fly.dev", "host and port"),
        ("CONNECT", "demo.fly.dev:80/path", "host and port"),
        ("CONNECT", "http://demo.fly.dev:80", "host and port"),
    ],
)
def test_what_no_proxy_can_take_says_why(method, target, says):
    with pytest.raises(NoDestinationError, match=says):
        destination_of(request(target, method))


def test_a_request_goes_on_without_what_was_for_the_proxy():
    asked = request(
        "http://demo.fly.dev:8480/a?b=1",
        "POST",
        ("Proxy-Authorization", "Basic eA=="),
        ("Proxy-Connection", "keep-alive"),
        ("Transfer-Encoding", "chunked"),
        ("X-Own", "1"),
    )
    onwards = onward(asked)
    assert onwards.target == b"/a?b=1"
    assert list(onwards.headers) == [
        (b"host", b"demo.fly.dev:8480"),
        (b"x-own", b"1"),
        (b"transfer-encoding", b"chunked"),
    ]


def test_a_websockets_upgrade_is_kept():
    asked = request("http://h/", "GET", ("Connection", "Upgrade"), ("Upgrade", "websocket"))
    assert (b"upgrade", b"websocket") in onward(asked).headers
    switched = backward([(b"Upgrade", b"websocket")], upgrade=True)
    assert (b"Upgrade", b"websocket") in switched
