"""Which server carries the links: what SIM_TOXIPROXY says, what is on PATH, what the engine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.clock import Clock
from sim.docker import images
from sim.errors import EnvironmentLacksError, StartError
from sim.network import link_server
from sim.network.embedded.embedded_server import EmbeddedLinkServer
from sim.network.link_server import Stock
from sim.network.toxiproxy_process import RealLinkServer
from sim.network.toxiproxy_remote import RemoteLinkServer
from sim.rng import Rng
from sim.topology.addresses import Endpoint
from tests.network.conftest import HOST

NOBODY = Endpoint(HOST, 9)


def test_the_variable_names_a_url() -> None:
    assert link_server.find({"SIM_TOXIPROXY": "http://127.0.0.1:8474"}) == Stock(
        url="http://127.0.0.1:8474"
    )


def test_the_variable_names_a_binary(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert link_server.find({"SIM_TOXIPROXY": str(program)}) == Stock(binary=str(program))


def test_otherwise_it_is_looked_for_on_path_by_its_own_name(tmp_path: Path) -> None:
    for name in ("server", "toxiproxy-server"):
        assert link_server.find({"PATH": str(tmp_path)}) is None
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert link_server.find({"PATH": str(tmp_path)}) == Stock(
        binary=str(tmp_path / "toxiproxy-server")
    )


def test_a_variable_that_names_nothing_is_said() -> None:
    with pytest.raises(EnvironmentLacksError, match="neither a program nor an http URL"):
        link_server.find({"SIM_TOXIPROXY": "/no/such/program", "PATH": ""})


def test_the_variable_names_an_image() -> None:
    found = link_server.find({"SIM_TOXIPROXY": "docker:team/toxiproxy:2"})
    assert found == Stock(image="team/toxiproxy:2")


def test_an_image_of_the_engine_will_do_where_machines_are_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "newest", lambda repository: f"{repository}:2.12.0")
    assert link_server.find({"PATH": ""}) is None
    found = link_server.find({"PATH": ""}, containers=True)
    assert found == Stock(image="shopify/toxiproxy:2.12.0")


async def test_each_choice_has_its_server(tmp_path: Path, clock: Clock) -> None:
    kinds = {
        EmbeddedLinkServer: None,
        RealLinkServer: Stock(binary="/bin/true"),
        RemoteLinkServer: Stock(url="http://127.0.0.1:8474"),
    }
    for kind, stock in kinds.items():
        assert type(link_server.make(stock, NOBODY, clock, Rng(1), tmp_path)) is kind


async def test_the_embedded_one_says_that_it_is_stopped(server: EmbeddedLinkServer) -> None:
    await server.ping()
    await server.stop()
    with pytest.raises(StartError, match="is stopped"):
        await server.ping()


async def test_somebody_elses_is_waited_for_and_left_alone(
    server: EmbeddedLinkServer, clock: Clock
) -> None:
    remote = RemoteLinkServer(server.url, clock, "correct SIM_TOXIPROXY")
    await remote.start()
    await remote.stop()
    await remote.start()


async def test_one_that_never_answers_is_said(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("sim.network.toxiproxy_remote.READY_REAL_S", 0.05)
    remote = RemoteLinkServer(f"http://{NOBODY}", clock, "correct SIM_TOXIPROXY")
    with pytest.raises(EnvironmentLacksError, match="no link server answers"):
        await remote.start()
