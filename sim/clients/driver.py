"""How a simulated client talks to a gateway: the one method that a user writes.

A driver is made once for each client, without arguments, and keeps what the client remembers from
one connection to the next. For example::

    class Greeter:
        async def run(self, client):
            async with client.websocket("/greet") as socket:
                async for turn in client.pace():
                    client.send(client.name, turn)
                    await socket.send_str("hello")
                    await client.within(socket.receive_str())
                    client.acked(client.name, turn)

What it passes to `client.acked` the gateway has promised to keep. Whether it did is found out where
the driver also has a method that asks for it (see Question)::

        async def stored(self, session):
            async with session.http.get(f"/kept/{session.id}") as answer:
                return [message["number"] for message in await answer.json()]
"""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Protocol, runtime_checkable

import aiohttp

from sim.clients.client import Client
from sim.clients.declaration import Declaration
from sim.clients.ending import ConnectionClosedError as ConnectionClosedError  # noqa: PLC0414
from sim.clients.ending import ConnectionOverError as ConnectionOverError  # noqa: PLC0414
from sim.clients.http_declaration import HttpDeclaration, InData
from sim.errors import InputError, Problem

_BUILT_IN = {
    "http": "sim.clients.drivers.http:Http",
    "echo": "sim.clients.drivers.echo:Echo",
    "session": "sim.clients.drivers.session:Session",
}


class Driver(Protocol):
    """One way to talk to a gateway."""

    async def run(self, client: Client) -> None:
        """Live the life of one connection, from connecting to its end.

        Return or raise when it is over; the load connects again after a backoff. Where `pace()`
        ends, the client is to close. Let ConnectionClosedError through, which says that the
        gateway has ended the connection, with its code and reason.
        """


@dataclass(frozen=True)
class Question:
    """Which session is asked about, after the run, and whom a driver may ask.

    `id` is what the driver called it in `client.send`, `client` who sent it. `http` speaks to one
    machine of the gateway directly, past links and edges, so that no fault colours the answer: to
    the one that acknowledged the session's last message, else to any that is up. Paths are
    relative to it (`session.http.get("/kept")`). `database_url` is the topology's database.
    """

    id: str
    client: str
    http: aiohttp.ClientSession
    database_url: str | None = None


@runtime_checkable
class Ledger(Protocol):
    """A driver that can ask the gateway what it kept."""

    async def stored(self, session: Question) -> Sequence[int] | None:
        """The numbers of the session's messages, in the order of storing.

        One that is stored twice is there twice. None where the gateway knows no such session.
        Raise where that cannot be found out: what became of the messages is then unknown, not lost.
        Asked once for each session, for reading may empty a queue.
        """


@runtime_checkable
class LaggingLedger(Ledger, Protocol):
    """One whose store may lag behind acknowledgements, by seconds of the gateway's own clock.

    Sessions of which something acknowledged is not there yet are asked again until it is, or until
    so long after the first question.
    """

    settles_within_s: float


def load_driver(name: str | InData) -> Callable[[], Driver]:
    """What makes a client's driver: a built-in class, `package.module:Class`, or a declaration.

    Raises InputError.
    """
    if isinstance(name, HttpDeclaration):
        from sim.clients.drivers.http import Http  # noqa: PLC0415 - as below

        return partial(Http, name)
    if isinstance(name, Declaration):
        # Only who uses one imports it; it imports this module.
        from sim.clients.drivers.declared import Declared, DeclaredLedger  # noqa: PLC0415

        return partial(DeclaredLedger if name.stored else Declared, name)
    target = _BUILT_IN.get(name, name)
    module_name, colon, class_name = target.partition(":")
    if not colon or not module_name or not class_name:
        close = get_close_matches(name, _BUILT_IN, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else "."
        raise _problem(f"unknown driver `{name}`{hint} Built in are {', '.join(_BUILT_IN)}")
    module = _import(name, module_name)
    made = getattr(module, class_name, None)
    if made is None:
        classes = [key for key, value in vars(module).items() if _is_driver(value)]
        found = f"it has {', '.join(classes)}" if classes else "it has no class with `run`"
        raise _problem(f"`{name}`: module {module_name} has no `{class_name}`; {found}")
    if not _is_driver(made):
        raise _problem(f"`{name}` is no driver: it needs a method `async def run(self, client)`")
    if hasattr(made, "stored") and not inspect.iscoroutinefunction(made.stored):
        raise _problem(f"`{name}`: `stored` must be a method `async def stored(self, session)`")
    settles_within_s = getattr(made, "settles_within_s", 0.0)
    if not isinstance(settles_within_s, int | float) or not 0 <= settles_within_s < math.inf:
        message = f"`settles_within_s` must be a number of seconds, not {settles_within_s!r}"
        raise _problem(f"`{name}`: {message}")
    return _checked(name, made)


def _import(name: str, module_name: str) -> object:
    # A driver beside the scenario, in the current folder, is what `python -m` would find too.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and module_name.startswith(error.name):
            message = f"`{name}`: there is no module `{error.name}` in this folder or installed"
        else:
            message = f"`{name}`: {module_name} needs `{error.name}`, which is not installed"
        raise _problem(message) from error
    except Exception as error:
        message = f"`{name}`: {module_name} failed when imported: {type(error).__name__}: {error}"
        raise _problem(message) from error


def _is_driver(value: object) -> bool:
    return inspect.isclass(value) and inspect.iscoroutinefunction(getattr(value, "run", None))


def _checked(name: str, made: Callable[[], Driver]) -> Callable[[], Driver]:
    try:
        made()
    except Exception as error:
        message = f"`{name}` cannot be made without arguments: {type(error).__name__}: {error}"
        raise _problem(message) from error
    return made


def _problem(message: str) -> InputError:
    return InputError(
        Problem(f"{message}. A driver is a built-in name or `package.module:Class`", field="driver")
    )
