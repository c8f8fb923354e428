"""Whatever is asked, in whatever order: no 500, and every machine in a legal state."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.machines.lifecycle import IllegalTransitionError, State
from sim.machines.starts import launch
from tests.control.machines_api.conftest import MACHINES, Api, served

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(
        ["10s", "-1s", "SIGTERM", "9", "\0", "\ud800", "iad", "fra,any", "no", "started", "true"]
    ),
)
_ANY = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


Endpoint = tuple[str, str]
MACHINES_PATH = "/v1/apps/{app}/machines"


AT_REST = {State.CREATED, State.STARTED, State.STOPPED, State.SUSPENDED, State.FAILED}
AT_REST |= {State.DESTROYED}
PAGE = Path(__file__).parents[3] / "docs" / "machines-api.md"
ENDPOINTS: list[Endpoint] = re.findall(r"`([A-Z*]+) (/[^`]+)`", PAGE.read_text())


def _some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these keys, more often right than wrong."""
    optional = {name: st.one_of(right, right, right, _ANY) for name, right in keys.items()}
    return st.fixed_dictionaries({}, optional=optional)


_CHECK = _some(
    type=st.sampled_from(["http", "tcp"]),
    path=st.sampled_from(["/up", "/a b", "/\u00e9", "/\r\nX: y"]),
    interval=st.sampled_from(["15s", 10**10, "0s"]),
)
_SERVICE = _some(internal_port=st.integers(0, 70000), checks=st.lists(_CHECK))
_CONFIG = _some(
    image=st.sampled_from(["atlas:2", "local/atlas", "registry.test:5000/a/b@sha256:00"]),
    env=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    init=_some(exec=st.lists(st.text(max_size=4)), cmd=st.lists(st.text(max_size=4))),
    guest=_some(cpus=st.integers(-1, 100), memory_mb=st.integers(-1, 10**7)),
    metadata=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    services=st.lists(
        _some(internal_port=st.integers(0, 70000), checks=st.lists(_CHECK)), max_size=2
    ),
    restart=_some(policy=st.sampled_from(["no", "always", "spot-price"])),
    stop_config=_some(signal=st.integers(-1, 70), timeout=st.sampled_from(["5s", 5 * 10**9])),
    auto_destroy=st.booleans(),
)
_LAUNCH = st.fixed_dictionaries(
    {"config": st.one_of(st.just({}), st.just({"services": [{}]}), _CONFIG)},
    optional={
        "region": st.one_of(st.sampled_from(["iad", "fra", "any", "eu", "syd", "mars"]), _ANY),
        "name": st.one_of(st.sampled_from(["one", "two", "a b"]), _ANY),
        "skip_launch": st.booleans(),
        "skip_service_registration": st.booleans(),
        "lease_ttl": st.one_of(st.none(), st.integers(-1, 2)),
        "min_secrets_version": st.integers(0, 2),
    },
)
_BODY = st.one_of(
    _some(
        region=st.sampled_from(["iad", "eu", "any", "syd"]),
        name=st.sampled_from(["atlas", "other"]),
        signal=st.integers(-1, 70),
        timeout=st.sampled_from(["1s", 10**9, 1]),
        ttl=st.integers(-1, 5),
        cmd=st.sampled_from(["true", "'", ""]),
        value=st.text(max_size=5),
        values=st.dictionaries(st.sampled_from(["A", "b c"]), st.text(max_size=3)),
        query=st.sampled_from(["setSecrets", "appcompact:", "app(", "mutation"]),
        variables=_some(appName=st.just("atlas"), input=_some(appId=st.just("atlas"))),
        count=st.integers(-1, 2000),
    ),
    _ANY,
)
_NAMES = ["region", "state", "timeout", "ttl", "kill", "force", "force_stop", "signal", "version"]
_NAMES += ["from_event_id", "next_token", "instance", "include_deleted", "metadata.a"]
_VALUES = st.sampled_from(["1", "true", "settled", "iad", "SIGKILL", "1s"])
_QUERY = st.dictionaries(
    st.sampled_from(_NAMES), st.one_of(_VALUES, st.text(max_size=4)), max_size=3
)
_WORD = st.one_of(st.sampled_from(["atlas", "A", "fly_process_group"]), st.text(max_size=6))
# What these take, for half of the times that they are asked.
_RIGHT: dict[str, Any] = {
    "exec": {"cmd": "true"},
    "signal": {"signal": "SIGUSR1"},
    "secrets": {"values": {"A": "b"}},
    "{name}": {"value": "b"},
    "{key}": {"value": "b"},
    "placements": {"count": 3},
    "graphql": {"query": "appcompact:", "variables": {"appName": "atlas"}},
}
_ENDPOINTS = st.sampled_from(ENDPOINTS)
_REQUEST = st.tuples(_ENDPOINTS, st.integers(0, 3), st.booleans(), _WORD, _QUERY, _BODY, _LAUNCH)


def filled(path: str, machine: str, word: str, query: dict[str, str]) -> str:
    word = quote(word.encode("utf-8", "surrogatepass"), safe="") or "x"
    app = "other" if word == "%00" else "atlas"
    words = ("key", "name", "volume", "what", "ip", "organization", "release")
    path = path.format(app=app, id=machine, **dict.fromkeys(words, word))
    pairs = (f"{k}={quote(v.encode('utf-8', 'surrogatepass'))}" for k, v in query.items())
    return f"{path}?{'&'.join(pairs)}"


@pytest.mark.thorough
def test_no_request_is_answered_by_a_500_or_leaves_an_illegal_state(tmp_path: Path) -> None:
    """Hundreds of draws of one to three requests at a time, all to one world."""
    with asyncio.Runner() as runner:
        around = served(tmp_path)
        api = runner.run(around.__aenter__())
        broken: list[Any] = []
        runner.get_loop().set_exception_handler(lambda _, told: broken.append(told))

        @settings(max_examples=700, deadline=None, derandomize=True)
        @given(st.lists(_REQUEST, min_size=1, max_size=3))
        def ask_and_look(requests: list[Any]) -> None:
            runner.run(asked(api, requests))
            assert broken == []

        try:
            ask_and_look()
            done = {endpoint for endpoint, status in api.answered if status < 300}
            assert len(done) > 25  # it was no matrix of refusals
        finally:
            runner.run(around.__aexit__(None, None, None))


async def asked(api: Api, requests: list[Any]) -> None:
    await asyncio.gather(*(ask(api, *request) for request in requests))
    fleet = api.world.fleet
    for machine in list(fleet.machines.values()):
        await api.settled(machine.id)
        while machine.state not in AT_REST:  # a version that replaces another was under way still
            await fleet.news()
        alive = [run for run in api.runtime.runs if not run.end.done()]
        lives = machine.state in (State.STARTED, State.SUSPENDED)
        assert (machine.instance in alive) is lives, machine
        machine.lease = None  # else nothing could be done to it for as long as it was asked for
        if len(fleet.machines) > 4:
            with contextlib.suppress(IllegalTransitionError):
                await fleet.destroy(machine)
    if not fleet.machines:
        await launch(fleet)


async def ask(  # noqa: PLR0917 - one of each that is drawn
    api: Api,
    endpoint: Endpoint,
    machine: int,
    right: bool,
    word: str,
    query: Any,
    body: Any,
    launch: Any,
) -> None:
    method, path = endpoint
    if endpoint in (("POST", MACHINES_PATH), ("POST", f"{MACHINES_PATH}/{{id}}")):
        body = launch
    elif right:
        body = _RIGHT.get(path.rpartition("/")[2], {})
    if path.endswith("/wait"):
        query = {**query, "timeout": "x" if query.get("timeout") == "1s" else "1"}
        query |= {} if machine else {"state": "settled"}
    known = [*api.world.fleet.machines, "0" * 14]
    path = filled(path, known[machine % len(known)], word, query)
    raw = json.dumps(body).encode()
    got = await api(method if method != "*" else "PUT", path, raw=raw)
    api.answered.add((endpoint, got.status))
    assert got.status < 500, (method, path, body, got.text)
    if got.status >= 400:
        assert isinstance(got.body["error"], str), got.text
        assert got.body["error"]


async def test_two_hundred_conflicting_calls_leave_a_machine_in_a_legal_state(api):
    machine = await api.create()
    await api.settled(machine["id"])
    path = f"{MACHINES}/{machine['id']}"
    update = {"config": machine["config"]}
    calls = [
        *(("POST", f"{path}/{verb}", None) for verb in ("start", "stop", "restart", "suspend")),
        *(("POST", f"{path}/{verb}", None) for verb in ("cordon", "uncordon")),
        *(("POST", path, update), ("POST", f"{path}/signal", {"signal": 10})),
    ]
    got = await asyncio.gather(*(api(*calls[n % len(calls)]) for n in range(200)))
    assert {answer.status for answer in got} <= {200, 409}
    assert 200 in {answer.status for answer in got}
    await api.settled(machine["id"])
    found = api.world.fleet.machines[machine["id"]]
    while found.state not in AT_REST:
        await api.world.fleet.news()
    alive = [run for run in api.runtime.runs if not run.end.done()]
    assert len(alive) == 2 + (found.state in (State.STARTED, State.SUSPENDED))
