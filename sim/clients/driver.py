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
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from difflib import get_close_matches
from typing import Protocol

from sim.clients.client import Client
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
        ends, the client is to close.
        """


class ConnectionOverError(Exception):
    """A driver's ordinary end of a connection that the gateway ended: its text is the reason."""


def load_driver(name: str) -> Callable[[], Driver]:
    """The class of that name: built-in, or `package.module:Class`. Raises InputError."""
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
