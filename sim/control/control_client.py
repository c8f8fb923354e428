"""How a command talks to a running world."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any

from sim.errors import InputError, SimError
from sim.registry import WorldRecord

# Starting a machine may take a while; a world that does not answer at all is found dead before.
_TIMEOUT_S = 90.0
# A stream says something twice a second.
_SILENT_S = 10.0


def ask(record: WorldRecord, verb: str, **body: Any) -> Any:
    """What the world answers. Raises InputError for what it refuses, SimError if it is silent."""
    with _answer(record, verb, json.dumps(body).encode(), _TIMEOUT_S) as answer:
        return json.load(answer)


def have_done(record: WorldRecord, verb: str, tell: Callable[[str], None], **body: Any) -> Any:
    """What the world answers once it has done what may take any time, such as a deploy.

    Meanwhile `tell` is called with a line for each thing that happens. Raises as `ask` does.
    """
    with _answer(record, verb, json.dumps(body).encode(), None, "text/event-stream") as answer:
        for event in _events(answer):
            if "told" in event:
                tell(event["told"])
            elif "error" in event:
                raise InputError(event["error"])
            else:
                return event["done"]
    raise SimError(f"world {record.id} did not say how that ended; `sim status` shows what is so")


def get(record: WorldRecord, path: str) -> Any:
    """What the world has at a path. Raises as `ask` does."""
    with _answer(record, path, None, _TIMEOUT_S) as answer:
        return json.load(answer)


@contextmanager
def stream(record: WorldRecord, path: str) -> Iterator[Iterator[Any]]:
    """The server-sent events at a path, while the context lasts; they end with the world.

    Raises as `ask` does.
    """
    with _answer(record, path, None, _SILENT_S) as answer:
        yield _events(answer)


def _events(answer: HTTPResponse) -> Iterator[Any]:
    for line in answer:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


@contextmanager
def _answer(
    record: WorldRecord,
    path: str,
    body: bytes | None,
    timeout_s: float | None,
    accepts: str = "application/json",
) -> Iterator[HTTPResponse]:
    request = urllib.request.Request(  # noqa: S310 - the address comes from our own record
        f"{record.control_url}/{path}",
        data=body,
        headers={"Authorization": f"Bearer {record.token}", "Accept": accepts},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        with error:
            raise InputError(json.load(error).get("error", str(error))) from None
    except (OSError, HTTPException) as error:
        raise SimError(f"world {record.id} does not answer: {error}") from error
