"""Updates, suspension, cordons and what else is done to a machine, in virtual time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clock import Clock, VirtualTimeLoop
from sim.errors import InputError, SimError, StartError
from sim.machines import breaking
from sim.machines.app_secrets import AppSecrets, digest
from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.health import Status
from sim.machines.lifecycle import IllegalTransitionError, State
from sim.machines.process import ProcessRuntime
from sim.machines.runs import started
from sim.machines.specs import MachineContext, SpecBuilder
from sim.observe.events import CordonChanged, MachineUpdated
from sim.observe.journal import Journal, only
from sim.processes.exit import Exit
from sim.rng import Rng
from sim.topology.addresses import AddressPlan
from sim.topology.model import Check
from tests.machines.test_fleet import BAD, OK, Bench, in_a_world, topology

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]


async def until(holds: Callable[[], bool]) -> None:
    clock = Clock()
    async with clock.timeout(10.0):
        while not holds():
            await clock.sleep(0.01)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_an_update_is_another_version_in_the_same_place(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        before, run = machine.spec, bench.runs[1]
        config = replace(machine.config, image="atlas:2", env={"COLOUR": "green"})
        await bench.fleet.update(machine, config)
        assert run.end.result() == Exit(0)  # drained
        assert [s for s, _ in bench.states(machine.id)][-2:] == ["updating", "started"]
        assert (machine.id, machine.endpoint) == (before.id, before.endpoint)
        assert machine.instance_id != before.instance_id
        assert machine.spec.env["FLY_MACHINE_VERSION"] == machine.instance_id
        assert machine.spec.env["FLY_IMAGE_REF"] == machine.spec.image == "atlas:2"
        assert machine.spec.env["COLOUR"] == "green"
        assert [e for _, e in only(bench.journal.records, MachineUpdated)] == [
            MachineUpdated(machine.id, "fra", machine.instance_id, "atlas:2")
        ]

    virtually(in_a_world(scene))


def test_what_is_down_stays_down_when_it_is_updated(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.fleet.stop(machine)
        version = machine.instance_id
        await bench.fleet.update(machine, replace(machine.config, image="atlas:2"))
        assert (machine.state, len(bench.runs)) == (State.STOPPED, 3)
        assert machine.instance_id != version
        await bench.fleet.start(machine)
        assert machine.spec.env["FLY_IMAGE_REF"] == "atlas:2"

    virtually(in_a_world(scene))


def test_a_version_that_does_not_come_up_is_told_and_not_tried_again(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.fleet.update(machine, replace(machine.config, restart="always"))
        bench.answer = BAD
        updating = asyncio.create_task(
            bench.fleet.update(machine, replace(machine.config, image="bad"))
        )
        await bench.clock.sleep(3.0)
        bench.runs[-1].die(Exit(1))
        with pytest.raises(StartError, match="fra/1 died at start: exited with code 1"):
            await updating
        runs = len(bench.runs)
        await bench.clock.sleep(60.0)
        assert (machine.state, len(bench.runs)) == (State.STOPPED, runs)
        bench.answer = OK

    virtually(in_a_world(scene))


def test_another_check_counts_from_the_update_on(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.fleet.stop(machine)
        check = Check(path="/ready", interval_s=7.0)
        await bench.fleet.update(machine, replace(machine.config, checks=(check,)))
        assert bench.health.status(machine.id) is Status.CRITICAL
        await bench.clock.sleep(100.0)
        assert bench.health.status(machine.id) is Status.CRITICAL  # no old check is left
        await bench.fleet.start(machine)
        assert [state.check for state in bench.health.checks(machine.id)] == [check]
        assert bench.health.status(machine.id) is Status.PASSING

    virtually(in_a_world(scene))


def test_a_suspended_machine_keeps_its_run_and_gets_no_traffic(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.fleet.suspend(machine)
        assert (machine.state, bench.runs[1].frozen) == (State.SUSPENDED, True)
        assert not bench.health.serves(machine.id)
        with pytest.raises(IllegalTransitionError, match="it is suspended; possible now: start, s"):
            await bench.fleet.restart(machine)
        await bench.clock.sleep(60.0)
        assert bench.health.output(machine.id) == "refused: the machine is suspended"
        await bench.fleet.start(machine)
        assert (machine.state, bench.runs[1].frozen) == (State.STARTED, False)
        assert machine.instance is bench.runs[1]
        assert bench.health.serves(machine.id)

    virtually(in_a_world(scene))


@pytest.mark.parametrize("verb", ["stop", "kill", "update", "destroy"])
def test_what_else_is_done_to_a_suspended_machine_costs_it_its_memory(
    virtually: Virtually, verb: str
) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.fleet.suspend(machine)
        arguments = [replace(machine.config, image="atlas:2")] if verb == "update" else []
        began = bench.clock.now()
        await getattr(bench.fleet, verb)(machine, *arguments)
        assert bench.clock.now() == began  # there is nobody to drain
        assert bench.runs[1].end.result() == Exit(None, signal=9)
        down = State.DESTROYED if verb == "destroy" else State.STOPPED
        assert machine.state is down

    virtually(in_a_world(scene))


def test_a_world_with_suspended_machines_ends(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        await bench.fleet.suspend(bench.fleet.find("fra/1")[0])
        await bench.fleet.close()
        assert [run.end.result() for run in bench.runs] == [Exit(0)] * 3

    virtually(in_a_world(scene))


def test_a_cordon_takes_a_machine_from_new_traffic_and_leaves_its_health(
    virtually: Virtually,
) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        told: list[bool] = []
        bench.fleet.on_change(lambda m: told.append(m.cordoned))
        bench.fleet.cordon(machine)
        bench.fleet.cordon(machine)
        assert bench.health.status(machine.id) is Status.PASSING
        assert not bench.health.serves(machine.id)
        assert repr(machine) == f"<Machine fra/1 {machine.id} started cordoned>"
        bench.fleet.uncordon(machine)
        assert bench.health.serves(machine.id)
        assert told == [True, False]
        events = [event.cordoned for _, event in only(bench.journal.records, CordonChanged)]
        assert events == [True, False]

    virtually(in_a_world(scene))


def test_a_machine_without_a_service_gets_no_traffic(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        config = replace(bench.fleet.default, serves=False)
        machine = bench.fleet.create("fra", config, "batch-job-1")
        await bench.fleet.start(machine)
        assert bench.health.status(machine.id) is Status.PASSING
        assert not bench.health.serves(machine.id)
        assert bench.fleet.find("batch-job-1") == [machine]
        with pytest.raises(InputError, match="called 'batch-job-1' already"):
            bench.fleet.create("fra", name="batch-job-1")

    virtually(in_a_world(scene))


def test_machines_have_names_as_fly_gives_them_and_ids_of_their_own(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        names = [machine.fly_name for machine in bench.fleet.machines.values()]
        assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{4}", name) for name in names)
        assert len(set(names)) == 3
        first = bench.fleet.find("fra/1")[0]
        await bench.fleet.destroy(first)
        assert bench.fleet.create("fra").id != first.id  # though it is fra/1 again

    virtually(in_a_world(scene))


def test_events_are_the_newest_first_and_say_who_did_it(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.fleet.stop(machine)
        await bench.fleet.start(machine)
        bench.runs[-1].die(Exit(3))
        await bench.clock.sleep(0.1)
        told = [(e.type, e.status, e.source, e.asked) for e in machine.events]
        assert told == [
            ("exit", "stopped", "flyd", False),
            ("start", "started", "flyd", False),
            ("start", "starting", "user", False),
            ("exit", "stopped", "flyd", True),
            ("stop", "stopping", "user", False),
            ("start", "started", "flyd", False),
            ("start", "starting", "user", False),
            ("launch", "created", "user", False),
        ]
        assert machine.events[0].end == Exit(3)
        assert [e.number for e in machine.events] == list(range(8, 0, -1))

    virtually(in_a_world(scene))


def test_secrets_reach_a_machine_at_its_next_boot(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        assert bench.fleet.secrets.change({"API_KEY": "hunter2"}) == 2
        assert "API_KEY" not in machine.spec.env
        assert machine.secrets_version == 1  # staged
        await bench.fleet.restart(machine)
        assert (machine.spec.env["API_KEY"], machine.secrets_version) == ("hunter2", 2)

    virtually(in_a_world(scene))


def test_secrets_are_shown_as_digests_and_hidden_before_they_are_known() -> None:
    hidden: list[str] = []
    secrets = AppSecrets({"OLD": "a"}, hidden.extend)
    secrets.change({"API_KEY": "hunter2", "OLD": None})
    assert hidden == ["hunter2"]
    assert [(s.name, s.digest) for s in secrets.digests()] == [("API_KEY", digest("hunter2"))]
    assert repr(secrets) == "<AppSecrets version 2: API_KEY>"
    with pytest.raises(InputError, match="cannot be called '1 2'"):
        secrets.change({"GOOD": "x", "1 2": "y"})
    with pytest.raises(InputError, match="NUL"):
        secrets.change({"GOOD": "\0"})
    assert dict(secrets) == {"API_KEY": "hunter2"}


_VERBS = ["start", "stop", "kill", "restart", "update", "suspend", "cordon", "uncordon", "destroy"]
_VERBS += ["freeze", "thaw", "die"]


@given(
    st.lists(
        st.tuples(st.sampled_from(_VERBS), st.sampled_from([0.0, 0.0, 0.1, 0.7, 2.0])),
        min_size=1,
        max_size=200,
    )
)
def test_conflicting_calls_leave_a_machine_in_a_legal_state(
    calls: list[tuple[str, float]],
) -> None:
    """All are under way at the same time; each is done, or refused and has changed nothing."""

    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]

        async def call(verb: str, delay_s: float) -> None:
            await bench.clock.sleep(delay_s)
            if verb == "die":
                for run in bench.runs:
                    run.die(Exit(1))
            elif verb in ("cordon", "uncordon"):
                getattr(bench.fleet, verb)(machine)
            elif verb == "freeze":
                await breaking.freeze(bench.fleet, machine)
            elif verb == "thaw":
                await breaking.thaw(machine)
            else:
                arguments = (
                    [replace(machine.config, image=str(delay_s))] if verb == "update" else []
                )
                await getattr(bench.fleet, verb)(machine, *arguments)

        results = await asyncio.gather(*(call(*c) for c in calls), return_exceptions=True)
        assert {type(r) for r in results} <= {
            type(None),
            IllegalTransitionError,
            InputError,
            StartError,
        }
        await bench.clock.sleep(120.0)
        at_rest = {State.STARTED, State.STOPPED, State.SUSPENDED, State.FAILED, State.DESTROYED}
        assert machine.state in at_rest
        # What is so is what is said: a run lives exactly where the state says that one does.
        alive = [run for run in bench.runs if not run.end.done()]
        lives = machine.state in (State.STARTED, State.SUSPENDED)
        assert (machine.instance in alive) is lives
        others = [m.instance for m in bench.fleet.machines.values() if m is not machine]
        assert set(alive) <= {machine.instance, *others}
        assert (machine.id in bench.fleet.machines) is (machine.state is not State.DESTROYED)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(in_a_world(scene))


async def test_a_real_process_is_signalled_looked_into_and_suspended(tmp_path: Path) -> None:
    script = (
        "import signal, socketserver, os, pathlib\n"
        "signal.signal(signal.SIGUSR1, lambda *_: pathlib.Path(os.environ['MARK']).touch())\n"
        "socketserver.TCPServer.allow_reuse_address = True\n"
        "socketserver.TCPServer((os.environ['HOST'], int(os.environ['PORT'])),\n"
        "    socketserver.BaseRequestHandler).serve_forever()"
    )
    what = topology("python", "-c", script, fra=1)
    mark = tmp_path / "mark"
    gateway = replace(what.gateway, env={"MARK": str(mark)}, checks=(Check(type="tcp"),))
    what = replace(what, gateway=gateway)
    clock = Clock()
    journal = Journal(clock)
    health = HealthChecker(clock, Rng(7), journal)
    specs = SpecBuilder(what, AddressPlan(what, 92), Rng(7), MachineContext("w1", tmp_path))
    fleet = Fleet(what, ProcessRuntime(clock, AddressPlan(what, 92)), specs, health, clock, journal)
    machine = fleet.create("fra")
    try:
        await fleet.start(machine)
        (row,) = await started(machine, "look into").processes()
        assert "serve_forever" in row.command
        assert row.rss_bytes > 1024**2
        run = started(machine, "run a command in")
        done = await run.execute(["sh", "-c", "echo $FLY_REGION; cat; exit 3"], "hi", 30)
        assert (done.exit_code, done.stdout, done.stderr) == (3, "fra\nhi", "")
        late = await run.execute(["sh", "-c", "echo a; sleep 60"], "", 0.2)
        assert (late.exit_code, late.stdout) == (None, "a\n")
        with pytest.raises(StartError, match="cannot run no-such-program"):
            await run.execute(["no-such-program"], "", 30)
        await fleet.suspend(machine)
        await until(lambda: state_of(row.pid) == "T")
        with pytest.raises(SimError, match="it is suspended, not started"):
            started(machine, "run a command in")
        await fleet.start(machine)
        assert (await started(machine, "look into").processes())[0].pid == row.pid
        await fleet.signal(machine, signal.SIGUSR1)
        await until(mark.exists)
    finally:
        await health.stop()
        await fleet.close()
    with pytest.raises(ProcessLookupError):
        os.kill(row.pid, 0)
