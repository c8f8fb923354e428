"""How a command talks to a running world."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from sim.errors import InputError, SimError
from sim.registry import WorldRecord

# Starting a machine may take a while; a world that does not answer at all is found dead before.
_TIMEOUT_S = 90.0


def ask(record: WorldRecord, verb: str, **body: Any) -> Any:
    """What the world answers. Raises InputError for what it refuses, SimError if it is silent."""
    return _ask(record, verb, body, _TIMEOUT_S)


def have_done(record: WorldRecord, verb: str, **body: Any) -> Any:
    """What the world answers once it has done what may take any time, such as a deploy."""
    return _ask(record, verb, body, None)


def _ask(record: WorldRecord, verb: str, body: Mapping[str, Any], timeout_s: float | None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the address comes from our own record
        f"{record.control_url}/{verb}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {record.token}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise InputError(json.load(error).get("error", str(error))) from None
    except OSError as error:
        raise SimError(f"world {record.id} does not answer: {error}") from error
