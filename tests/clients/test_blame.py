"""Whose error ended a connection, and where in the driver it was raised."""

from __future__ import annotations

import inspect
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from sim.clients.blame import foreseen, mistake_of
from sim.clients.declaration import Declaration, Opening, Socket
from sim.clients.ending import ConnectionOverError
from sim.clients.reply import Reply
from sim.clients.template import Text
from sim.errors import InputError

INFO = aiohttp.RequestInfo(URL("http://atlas/"), "GET", None, URL("http://atlas/"))  # type: ignore[arg-type]


def content_type(status: int) -> aiohttp.ContentTypeError:
    return aiohttp.ContentTypeError(INFO, (), status=status, message="text/html")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(104, "Connection reset by peer"),
        TimeoutError(),
        ConnectionOverError("closed with code 1001"),
        aiohttp.ServerDisconnectedError(),
        content_type(503),
        aiohttp.InvalidUrlRedirectClientError("nowhere"),
        ExceptionGroup("of a task group", [ConnectionResetError(), TimeoutError()]),
    ],
    ids=repr,
)
def test_what_comes_from_outside_is_nobodys_mistake(error: Exception) -> None:
    assert foreseen(error) is not None


@pytest.mark.parametrize(
    "error",
    [
        KeyError("room"),
        InputError("found `live`"),
        aiohttp.InvalidURL("/ticket"),
        content_type(200),
        FileNotFoundError(2, "No such file or directory", "token.txt"),
        ExceptionGroup("of a task group", [ConnectionResetError(), KeyError("room")]),
    ],
    ids=repr,
)
def test_what_no_network_raises_is_the_drivers(error: Exception) -> None:
    assert foreseen(error) is None


class Driver:
    def run(self, error: Exception) -> None:
        self.deeper(error)

    def deeper(self, error: Exception) -> None:
        self.raises(error)

    @staticmethod
    def raises(error: Exception) -> None:
        raise error


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as found:
        Driver().run(error)
    return found.value


def test_the_deepest_line_of_the_drivers_own_file_is_named() -> None:
    mistake = mistake_of(raised(KeyError("room")), Driver(), None)
    line = inspect.getsourcelines(Driver.raises)[1] + 2
    assert (mistake.line, mistake.error) == (line, "KeyError: 'room'")
    assert mistake.file == str(Path(__file__).relative_to(Path.cwd()))
    assert str(mistake) == f"{mistake.file}:{line}: KeyError: 'room'"


def test_of_a_group_it_is_the_one_that_is_the_drivers() -> None:
    group = ExceptionGroup("", [ConnectionResetError(), raised(KeyError("room"))])
    assert mistake_of(group, Driver(), None).error == "KeyError: 'room'"


def test_an_error_that_says_all_itself_is_told_without_its_class() -> None:
    mistake = mistake_of(raised(InputError("found `live`")), Driver(), None)
    assert mistake.error == "found `live`"


def test_a_declared_driver_has_a_name_and_no_lines() -> None:
    declared = Declaration("rooms.yaml", Opening(Socket("/live")), Text("hi"), Reply())
    mistake = mistake_of(raised(ValueError("no number")), Driver(), declared)
    assert (mistake.file, mistake.line) == ("rooms.yaml", None)


def test_a_path_in_the_place_of_a_url_is_told_what_to_write() -> None:
    class Mine:
        pass

    told = mistake_of(aiohttp.InvalidURL("/ticket"), Mine(), None).error
    assert told == "InvalidURL: /ticket; `client.http` takes whole URLs: `client.url('/ticket')`"
