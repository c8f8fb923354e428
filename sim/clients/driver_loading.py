"""From a driver's name to what makes one for each client."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from sim.clients.declaration import Declaration
from sim.clients.driver import Driver
from sim.clients.drivers.declared import Declared, DeclaredLedger
from sim.clients.drivers.http import Http
from sim.clients.http_declaration import HttpDeclaration, InData
from sim.clients.load_spec import BUILT_IN_DRIVERS
from sim.errors import InputError, Problem


def load_driver(name: str | InData, folder: Path = Path()) -> Callable[[], Driver]:
    """What makes a client's driver: a built-in class, `package.module:Class`, or a declaration.

    Modules are looked for in `folder` (the scenario's), in the current folder, then among what is
    installed. Raises InputError.
    """
    if isinstance(name, HttpDeclaration):
        return partial(Http, name)
    if isinstance(name, Declaration):
        return partial(DeclaredLedger if name.stored else Declared, name)
    target = BUILT_IN_DRIVERS.get(name, name)
    module_name, colon, class_name = target.partition(":")
    if not colon or not module_name or not class_name:
        close = get_close_matches(name, BUILT_IN_DRIVERS, n=1)
        hint = f"; did you mean `{close[0]}`?" if close else "."
        raise _problem(f"unknown driver `{name}`{hint} Built in are {', '.join(BUILT_IN_DRIVERS)}")
    module = _import(name, module_name, folder)
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


def _import(name: str, module_name: str, folder: Path) -> object:
    own = folder.resolve() / f"{module_name.replace('.', '/')}.py"
    known = sys.modules.get(module_name)
    if known and own.is_file() and getattr(known, "__file__", None) != str(own):
        del sys.modules[module_name]  # another folder's, of the same name
    # The current folder is what `python -m` would look in too.
    for place in ("", str(folder.resolve())):
        if place in sys.path:
            sys.path.remove(place)
        sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and module_name.startswith(error.name):
            where = f"in {folder}, in this folder, or installed"
            message = f"`{name}`: there is no module `{error.name}` {where}"
        else:
            message = f"`{name}`: {module_name} needs `{error.name}`, which is not installed"
        raise _problem(message) from error
    except (Exception, SystemExit) as error:
        message = f"`{name}`: {module_name} failed when imported: {type(error).__name__}: {error}"
        raise _problem(message) from error


def _is_driver(value: object) -> bool:
    return inspect.isclass(value) and inspect.iscoroutinefunction(getattr(value, "run", None))


def _checked(name: str, made: Callable[[], Driver]) -> Callable[[], Driver]:
    try:
        made()
    except (Exception, SystemExit) as error:
        message = f"`{name}` cannot be made without arguments: {type(error).__name__}: {error}"
        raise _problem(message) from error
    return made


def _problem(message: str) -> InputError:
    return InputError(
        Problem(f"{message}. A driver is a built-in name or `package.module:Class`", field="driver")
    )
