"""Whose error ended a connection: the network's and the gateway's, or the driver's own.

Many of a driver's own mistakes are raised as what a network raises too: a path that is no URL is an
aiohttp.ClientError, a file that is not there an OSError.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import TypeVar

import aiohttp

from sim.clients.ending import ConnectionOverError
from sim.clients.http_declaration import InData
from sim.errors import SimError

T = TypeVar("T")

# What may end a connection, and no more than it. A TimeoutError is an OSError.
FORESEEN = (ConnectionOverError, OSError, aiohttp.ClientError)

# Of those, what the network and the gateway never bring about: URLs and files that cannot be used.
_OF_DRIVERS = (
    *(aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError),
    *(FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError),
)


_OURS = {"sim", "aiohttp"}  # packages whose tasks and callbacks a client begins too
_CARRIERS = {"sim.clients.driver_run"}  # of ours, what runs a driver's tasks
_ON_BEHALF = {*sys.stdlib_module_names, "aiohttp"}
_LOOP = "asyncio.events"  # it calls what is ready: who asked for that is not below it


class DriverEndedError(SimError):
    """A driver raised what ends more than its connection."""


async def contained(call: Awaitable[T], ours: Callable[[], bool] | None = None) -> T:
    """What a driver's method gives; whatever it raises is an Exception.

    Else `sys.exit(0)` would be the exit code of a run that held, and a task that a driver cancels,
    its own even, would end the client for good. `ours` says whether it is we who cancel; without
    it whoever cancels the task that calls this is taken for us. (Ctrl-C is no exception in a
    driver: asyncio cancels.)
    """
    task = asyncio.current_task()
    try:
        return await call
    except (Exception, GeneratorExit):
        raise
    except asyncio.CancelledError as error:
        if ours() if ours else task and task.cancelling():
            raise
        while task and task.cancelling():
            task.uncancel()
        raise as_exception(error) from error
    except BaseException as error:
        raise as_exception(error) from error


def as_exception(error: BaseException) -> DriverEndedError:
    """The same as an Exception, with its words and its place."""
    words = f"{type(error).__name__}: {error}".removesuffix(": ")
    return DriverEndedError(words).with_traceback(error.__traceback__)


@dataclass(frozen=True)
class Mistake:
    """What a driver raised, and where in its own file; a declared one has no lines."""

    file: str
    line: int | None
    error: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.error}"


def foreseen(error: Exception) -> Exception | None:
    """What ended a connection from outside, if that is what was raised, alone or in a group."""
    if isinstance(error, ExceptionGroup):
        leaves = [foreseen(one) for one in error.exceptions]
        return leaves[0] if all(leaves) else None
    return error if isinstance(error, FORESEEN) and not _of_driver(error) else None


def _of_driver(error: Exception) -> bool:
    if isinstance(error, aiohttp.RedirectClientError):
        return False  # the gateway led there
    if isinstance(error, aiohttp.ContentTypeError):
        return error.status < HTTPStatus.BAD_REQUEST  # an answer of service, wrongly read
    return isinstance(error, _OF_DRIVERS)


def mistake_of(error: Exception, driver: object, declared: InData | None) -> Mistake:
    """The driver's mistake: in its class's file the deepest place that the error came through."""
    while isinstance(error, ExceptionGroup):
        error = next(one for one in error.exceptions if foreseen(one) is None)
    if declared is not None:
        return Mistake(declared.name, None, _words(error))
    return _mistake(error, inspect.getfile(type(driver)))


def mistake_in_callback(error: Exception) -> Mistake:
    """The mistake of a driver whose callback, or task that nobody awaits, has raised."""
    return _mistake(error, begun_in(error) or "")


def begun_in(error: Exception) -> str | None:
    """The file of a driver in which the callback or the coroutine is that raised; None: not its.

    Of its own are all that neither the simulator nor aiohttp begins on a driver's behalf.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        package = module.partition(".")[0]
        if package != "asyncio" and module not in _CARRIERS:
            return None if package in _OURS else frame.f_code.co_filename
    return None


def begun_by_driver(frame: FrameType | None) -> bool:
    """Whether a driver begins what this frame asks of asyncio, and not the simulator.

    asyncio, aiohttp and others of the library act on behalf of whoever called them.
    """
    while frame and (module := frame.f_globals.get("__name__", "")) != _LOOP:
        package = module.partition(".")[0]
        if package == "sim":
            return module in _CARRIERS
        if package not in _ON_BEHALF:
            return True
        frame = frame.f_back
    return False


def _mistake(error: Exception, file: str) -> Mistake:
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
    return Mistake(shown(Path(file)), lines[-1] if lines else None, _words(error))


def _words(error: Exception) -> str:
    """What was raised, and of a path in the place of a URL what to write."""
    if isinstance(error, SimError):
        return str(error)
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.InvalidURL) and str(error).startswith("/"):
        words += f"; `client.http` takes whole URLs: `client.url({str(error)!r})`"
    return words


def shown(file: Path) -> str:
    """A file as a person writes it: from the current folder, where it is in there."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)
