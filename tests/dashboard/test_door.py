"""How a browser is let in, and what it may do then."""

from __future__ import annotations

from aiohttp.test_utils import make_mocked_request

from sim.dashboard.door import COOKIE, Door


def asks(door, visitor, method="GET", **headers):
    cookie = {"Cookie": f"{COOKIE}={visitor}"} if visitor is not None else {}
    return door.admits(make_mocked_request(method, "/", headers={**cookie, **headers}))


def test_a_key_opens_once_and_only_the_browser_that_had_it_is_known():
    door = Door()
    key = door.key()
    visitor = door.enter(key)
    assert door.enter(key) is None
    assert asks(door, visitor)
    assert not asks(door, key)
    assert not asks(door, None)
    assert not asks(door, "")
    assert not asks(door, "föreign")


def test_what_changes_something_must_name_its_origin():
    door = Door()
    visitor = door.enter(door.key())
    assert not asks(door, visitor, "POST")
    assert asks(door, visitor, "POST", Origin="http://127.44.0.1:8470")


def test_keys_that_nobody_uses_do_not_pile_up():
    door = Door()
    first = door.key()
    for _ in range(64):
        door.key()
    assert door.enter(first) is None


def test_a_wrong_key_opens_nothing():
    door = Door()
    door.key()
    assert door.enter("") is None
    assert door.enter("a") is None
