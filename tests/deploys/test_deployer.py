"""Deploys carried out, in virtual time, on machines that are none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sim.deploys.deployer import Deployer
from sim.deploys.release import Order
from sim.errors import InputError
from sim.machines.health import Status
from sim.machines.lifecycle import State
from sim.machines.runtime import Instance, MachineSpec
from sim.machines.starts import launch
from sim.observe.events.releases import DeployBegan, DeployEnded, DeployStep
from sim.observe.journal import only
from sim.processes.exit import Exit
from sim.topology.model import Deploy
from tests.machines.test_fleet import BAD, Bench, FakeInstance, topology

IMAGE = Order(image="atlas:2")


class Yard:
    """A bench with a deployer. Machines of a release that `dies` says so of die as they start."""

    def __init__(self, **settings: Any) -> None:
        self.bench = Bench()
        what = replace(topology("python", "-m", "gateway"), deploy=Deploy(**settings))
        bench = self.bench
        self.deployer = Deployer(what, bench.fleet, bench.health, bench.clock, bench.journal)
        self.ids: dict[str, str] = {}

    @property
    def fleet(self):
        return self.bench.fleet

    def images(self):
        return {m.name: m.config.image for m in self.fleet.machines.values()}

    def steps(self):
        names = {id_: name for name, id_ in self.ids.items()}
        return [
            (step.step, names.get(step.machine, "new"))
            for _, step in only(self.bench.journal.records, DeployStep)
        ]

    def ended(self):
        return [event for _, event in only(self.bench.journal.records, DeployEnded)]


def dying(bench: Bench, *regions: str) -> None:
    """From now on whatever starts in these regions ends at once."""
    start = bench.runtime.start

    async def start_and_die(spec: MachineSpec) -> Instance:
        instance = await start(spec)
        if spec.region in regions:
            assert isinstance(instance, FakeInstance)
            instance.die(Exit(1))
        return instance

    bench.runtime.start = start_and_die  # type: ignore[method-assign]


@pytest.fixture
def play(virtually):
    """Run a scene in a yard whose machines are up: one in iad, two in fra."""

    def run(scene, **settings):
        async def whole():
            yard = Yard(**settings)
            try:
                await launch(yard.fleet)
                yard.ids = {m.name: m.id for m in yard.fleet.machines.values()}
                await scene(yard)
            finally:
                await yard.bench.close()

        virtually(whole())

    return run


def test_rolling_updates_in_place_one_after_another_and_waits_for_each(play):
    async def scene(yard):
        began = yard.bench.clock.now()
        done = await yard.deployer.deploy(IMAGE)
        assert (done.release, done.strategy, done.error) == (2, "rolling", None)
        assert yard.images() == dict.fromkeys(("iad/1", "fra/1", "fra/2"), "atlas:2")
        assert {m.name: m.id for m in yard.fleet.machines.values()} == yard.ids
        assert yard.steps() == [
            (step, name)
            for name in ("iad/1", "fra/1", "fra/2")
            for step in ("update", "smoke", "health")
        ]
        # Each: a second to drain, and ten in which it is watched.
        assert yard.bench.clock.now() - began == pytest.approx(33.0, abs=0.1)

    play(scene)


def test_the_release_is_what_later_machines_are(play):
    async def scene(yard):
        order = Order(image="atlas:2", command=("./new",), env={"COLOUR": "green"})
        await yard.deployer.deploy(order)
        machine = yard.fleet.create("iad")
        assert machine.config.image == "atlas:2"
        assert machine.config.command == ("./new",)
        assert machine.config.env["COLOUR"] == "green"
        assert machine.config.release == "2"

    play(scene)


def test_a_region_alone_gets_a_release_that_new_machines_do_not(play):
    async def scene(yard):
        await yard.deployer.deploy(replace(IMAGE, machines=(yard.ids["fra/1"], yard.ids["fra/2"])))
        assert yard.images()["iad/1"] != "atlas:2"
        assert yard.images()["fra/1"] == yard.images()["fra/2"] == "atlas:2"
        assert yard.fleet.create("fra").config.image != "atlas:2"
        # And with no region all are the same again.
        await yard.deployer.deploy(Order())
        assert len({yard.images()[name] for name in yard.ids}) == 1

    play(scene)


def test_a_release_that_dies_stops_a_rolling_deploy_at_its_first_machine(play):
    async def scene(yard):
        dying(yard.bench, "iad")
        done = await yard.deployer.deploy(IMAGE)
        assert "machine iad/1 ended (exited with code 1): it is stopped" in done.error
        assert "line 99" in done.error  # its last words
        assert yard.images()["fra/1"] != "atlas:2"
        assert yard.fleet.find("iad/1")[0].state is State.STOPPED
        assert yard.steps() == [("update", "iad/1"), ("smoke", "iad/1")]
        assert [(e.outcome, e.error) for e in yard.ended()] == [("failed", done.error)]
        # What new machines are is as before.
        assert yard.fleet.create("iad").config.image != "atlas:2"

    play(scene)


def test_the_rest_of_a_region_is_not_begun_after_a_failure(play):
    async def scene(yard):
        dying(yard.bench, "fra")
        done = await yard.deployer.deploy(IMAGE)
        assert "machine fra/1 ended" in done.error
        assert yard.images()["fra/2"] != "atlas:2"
        assert yard.fleet.find("fra/2")[0].state is State.STARTED

    play(scene)


def test_an_image_that_there_is_not_stops_it_as_well(play):
    async def scene(yard):
        yard.bench.runtime.fails = True
        done = await yard.deployer.deploy(IMAGE)
        assert "no such image for iad" in done.error
        assert yard.fleet.find("iad/1")[0].state is State.FAILED
        assert [m.state for m in yard.fleet.in_region("fra")] == [State.STARTED] * 2

    play(scene)


def test_a_machine_that_never_passes_is_left_running_without_traffic(play):
    async def scene(yard):
        yard.bench.answer = BAD
        done = await yard.deployer.deploy(IMAGE)
        assert "did not pass its health check within 60 s" in done.error
        machine = yard.fleet.find("iad/1")[0]
        assert machine.state is State.STARTED
        assert not yard.bench.health.serves(machine.id)

    play(scene, wait_timeout_s=60.0)


def test_a_machine_that_is_down_gets_the_release_and_stays_down(play):
    async def scene(yard):
        machine = yard.fleet.find("fra/2")[0]
        await yard.fleet.stop(machine)
        await yard.deployer.deploy(IMAGE)
        assert machine.config.image == "atlas:2"
        assert machine.state is State.STOPPED

    play(scene)


def test_immediate_looks_at_nothing(play):
    async def scene(yard):
        dying(yard.bench, "iad")
        done = await yard.deployer.deploy(replace(IMAGE, strategy="immediate"))
        assert done.error is None
        assert {step for step, _ in yard.steps()} == {"update"}

    play(scene)


def test_a_canary_that_dies_is_destroyed_and_nobody_else_was_touched(play):
    async def scene(yard):
        dying(yard.bench, "iad")
        done = await yard.deployer.deploy(replace(IMAGE, strategy="canary"))
        assert "machine iad/2 ended" in done.error
        assert {m.name: m.id for m in yard.fleet.machines.values()} == yard.ids
        assert "atlas:2" not in yard.images().values()

    play(scene)


def test_a_canary_that_lives_takes_no_traffic_and_is_destroyed_before_the_others(play):
    async def scene(yard):
        cordoned = set()
        yard.fleet.on_change(lambda m: cordoned.add(m.name) if m.cordoned else None)
        await yard.deployer.deploy(replace(IMAGE, strategy="canary"))
        assert cordoned == {"iad/2"}
        assert {m.name: m.id for m in yard.fleet.machines.values()} == yard.ids
        assert set(yard.images().values()) == {"atlas:2"}

    play(scene)


def test_bluegreen_serves_throughout_and_ends_with_new_machines(play):
    async def scene(yard):
        served = []

        def look(_):
            serving = {
                m.region for m in yard.fleet.machines.values() if yard.bench.health.serves(m.id)
            }
            served.append(serving)

        yard.fleet.on_change(look)
        done = await yard.deployer.deploy(replace(IMAGE, strategy="bluegreen"))
        assert done.error is None
        assert all(serving == {"iad", "fra"} for serving in served)
        assert set(yard.images().values()) == {"atlas:2"}
        assert {m.name for m in yard.fleet.machines.values()} == {"iad/2", "fra/3", "fra/4"}
        assert not any(m.cordoned for m in yard.fleet.machines.values())

    play(scene)


def test_no_new_machine_of_a_bluegreen_deploy_has_traffic_before_all_pass(play):
    async def scene(yard):
        early: list[bool] = []
        old = set(yard.ids.values())

        def look(_):
            new = [m for m in yard.fleet.machines.values() if m.id not in old]
            passing = [yard.bench.health.status(m.id) is Status.PASSING for m in new]
            if any(yard.bench.health.serves(m.id) for m in new):
                early.append(not all(passing) or len(new) < 3)

        yard.fleet.on_change(look)
        yard.bench.health.on_change(lambda *_: look(None))
        await yard.deployer.deploy(replace(IMAGE, strategy="bluegreen"))
        assert early
        assert not any(early)

    play(scene)


def test_bluegreen_gives_the_proxy_ten_seconds_to_learn_and_ten_to_forget(play):
    async def scene(yard):
        await yard.deployer.deploy(replace(IMAGE, strategy="bluegreen"))
        times: dict[str, float] = {}
        for t, step in only(yard.bench.journal.records, DeployStep):
            times.setdefault(step.step, t)
        assert times["cordon"] - times["uncordon"] == pytest.approx(10.0)
        assert times["stop"] - times["cordon"] == pytest.approx(10.0)

    play(scene)


@pytest.mark.parametrize("bad", [True, False])
def test_bluegreen_that_fails_leaves_what_was_there(play, bad):
    async def scene(yard):
        if bad:
            yard.bench.answer = BAD
        else:
            dying(yard.bench, "fra")
        done = await yard.deployer.deploy(replace(IMAGE, strategy="bluegreen"))
        assert done.error is not None
        assert {m.name: m.id for m in yard.fleet.machines.values()} == yard.ids
        assert [m.state for m in yard.fleet.machines.values()] == [State.STARTED] * 3
        assert not any(m.cordoned for m in yard.fleet.machines.values())

    play(scene, wait_timeout_s=60.0)


def release_ends(bench: Bench, end: Exit) -> list[Any]:
    """Whatever has RELEASE_COMMAND ends like this; returns what was started so."""
    start, seen = bench.runtime.start, []

    async def start_and_end(spec: MachineSpec) -> Instance:
        instance = await start(spec)
        if "RELEASE_COMMAND" in spec.env:
            seen.append(spec)
            assert isinstance(instance, FakeInstance)
            bench.clock.call_later(3.0, instance.die, end)
        return instance

    bench.runtime.start = start_and_end  # type: ignore[method-assign]
    return seen


def test_a_release_command_runs_once_in_the_primary_region_before_anything(play):
    async def scene(yard):
        seen = release_ends(yard.bench, Exit(0))
        done = await yard.deployer.deploy(IMAGE)
        assert done.error is None
        assert [(s.region, s.command) for s in seen] == [("iad", ("npm", "run", "migrate"))]
        assert yard.steps()[:2] == [("release_command", "new"), ("update", "iad/1")]
        assert {m.name: m.id for m in yard.fleet.machines.values()} == yard.ids

    play(scene, release_command=("npm", "run", "migrate"))


def test_a_release_command_that_fails_ends_the_deploy(play):
    async def scene(yard):
        release_ends(yard.bench, Exit(3))
        done = await yard.deployer.deploy(IMAGE)
        assert "ran the release command, which exited with code 3" in done.error
        assert {m.name: m.id for m in yard.fleet.machines.values()} == yard.ids
        assert "atlas:2" not in yard.images().values()

    play(scene, release_command=("false",))


def test_one_deploy_at_a_time(play):
    async def scene(yard):

        first = asyncio.create_task(yard.deployer.deploy(IMAGE))
        await yard.fleet.news()
        with pytest.raises(InputError, match="a deploy is under way"):
            await yard.deployer.deploy(IMAGE)
        assert (await first).error is None
        assert len(list(only(yard.bench.journal.records, DeployBegan))) == 1

    play(scene)


def test_what_is_none_of_the_apps_is_left_alone(play):
    async def scene(yard):
        own = yard.fleet.create("iad", replace(yard.fleet.default, metadata={}))
        await yard.deployer.deploy(IMAGE)
        assert own.config.image != "atlas:2"

    play(scene)


def test_one_that_is_cut_off_has_no_end_and_another_may_follow(play):
    async def scene(yard):
        task = asyncio.create_task(yard.deployer.deploy(IMAGE))
        while ("smoke", "iad/1") not in yard.steps():
            await yard.fleet.news()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert yard.ended() == []
        assert (await yard.deployer.deploy(IMAGE)).error is None

    play(scene)
