"""A container's process among this host's: what the host keeps waiting is measured by it."""

import os
from types import SimpleNamespace

import pytest

from sim.clock import Clock
from sim.docker.engine import APIError
from sim.errors import InputError
from sim.machines.docker.container import DockerInstance


def instance(answer):
    async def call(method, container):
        assert (method, container) == ("inspect_container", "abc")
        if isinstance(answer, Exception):
            raise answer
        return {"State": {"Pid": answer}}

    place, engine = SimpleNamespace(container="abc", network="n"), SimpleNamespace(call=call)
    return DockerInstance(engine, place, None, Clock(), None)  # type: ignore[arg-type] # what it asks


@pytest.mark.parametrize("here", [True, False])
async def test_it_is_known_where_the_engine_runs_on_this_host(monkeypatch, here):
    monkeypatch.setattr(
        "sim.machines.docker.container.in_cgroup",
        lambda pid, name: here and (pid, name) == (os.getpid(), "abc"),
    )
    made = instance(os.getpid())
    await made.started()
    assert made.host_pid == (os.getpid() if here else None)


async def test_an_engine_that_does_not_say_leaves_it_unknown():
    made = instance(APIError("gone"))
    await made.started()
    assert made.host_pid is None


async def test_the_host_of_a_container_cannot_be_frozen():
    with pytest.raises(InputError, match="use `freeze` without"):
        await instance(1).freeze(host=True)
