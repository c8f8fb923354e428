"""The verbs, in virtual time with machines that are none; what a real one does is at the end."""

from __future__ import annotations

import asyncio
import signal as signals
import socket
from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim.clock import Clock
from sim.errors import InputError, StartError
from sim.machines import breaking
from sim.machines.checker import HealthChecker
from sim.machines.fleet import Fleet
from sim.machines.fleet_mishaps import Mishaps
from sim.machines.health import Result, Status
from sim.machines.lifecycle import IllegalTransitionError, State
from sim.machines.process import ProcessRuntime
from sim.machines.runtime import Executed, MachineSpec, ProcessRow, Runtime
from sim.machines.specs import MachineContext, SpecBuilder
from sim.machines.starts import launch, start_all
from sim.observe.events import MachineChanged, MachineDied, MachineStopped
from sim.observe.journal import Journal, only
from sim.processes.exit import Exit
from sim.processes.proc import Handling
from sim.rng import Rng
from sim.scenario.faults import FAULTS
from sim.topology.addresses import AddressPlan, Endpoint
from sim.topology.model import Check, Coordinates, Gateway, Region, Topology

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]

OK = Result(passed=True, output="status 200")
BAD = Result(passed=False, output="status 500")


def topology(*command: str, fra: int = 2) -> Topology:
    return Topology(
        app="atlas",
        domain="fly.dev",
        gateway=Gateway(command=command, checks=(Check(),), kill_timeout_s=5.0),
        regions={
            "iad": Region("iad", "Ashburn", Coordinates(39.0, -77.5), primary=True),
            "fra": Region("fra", "Frankfurt", Coordinates(50.1, 8.7), machines=fra),
        },
        locations={},
    )


class FakeInstance:
    host_pid = None

    def __init__(self, clock: Clock, drain_s: float) -> None:
        self.clock, self.drain_s = clock, drain_s
        self.end: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self.frozen = self.cut_off = False
        self.signals: list[int] = []

    def die(self, end: Exit) -> None:
        if not self.end.done():
            self.end.set_result(end)

    async def exited(self) -> Exit:
        return await asyncio.shield(self.end)

    async def terminate(self, number: int) -> None:
        self.signals.append(number)
        if not self.frozen:
            self.clock.call_later(self.drain_s, self.die, Exit(0))

    async def handling(self) -> Handling | None:
        return Handling(caught=("SIGINT",), ignored=())

    async def kill(self) -> Exit:
        self.die(Exit(None, signal=9))
        return await self.exited()

    async def freeze(self, *, host: bool = False) -> None:  # noqa: ARG002 - a process has none
        self.frozen = True

    async def thaw(self) -> None:
        self.frozen = False

    async def disconnect(self) -> None:
        self.cut_off = True

    async def reconnect(self) -> None:
        self.cut_off = False

    async def tail(self, lines: int) -> list[str]:
        return [f"line {i}" for i in range(100)][-lines:]

    async def signal(self, number: int) -> None:
        self.signals.append(number)

    async def execute(self, argv: Sequence[str], stdin: str, timeout_real_s: float) -> Executed:
        del stdin, timeout_real_s
        return Executed(0, " ".join(argv), "")

    async def processes(self) -> list[ProcessRow]:
        return []


class FakeRuntime:
    name = "fake"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.fails = False
        self.why = ""
        self.drain_s = 1.0
        self.runs: list[FakeInstance] = []

    def port_inside(self, spec: MachineSpec) -> int:
        return spec.endpoint.port

    def ending(self) -> None:
        self.fails = True  # nothing starts again

    async def start(self, spec: MachineSpec) -> FakeInstance:
        if self.fails:
            raise StartError(self.why or f"no such image for {spec.region}")
        self.runs.append(FakeInstance(self.clock, self.drain_s))
        return self.runs[-1]


class Bench:
    """A fleet of machines that are none, and pass their checks one second after they are asked."""

    def __init__(self, runtime: Callable[[Clock], Runtime] = FakeRuntime, *, fra: int = 2) -> None:
        self.clock = Clock()
        self.journal = Journal(self.clock)
        self.runtime = runtime(self.clock)
        self.answer = OK
        self.health = HealthChecker(self.clock, Rng(7), self.journal, self._probe)
        self.fleet = self.fleet_of(topology("python", "-m", "gateway", fra=fra))

    def fleet_of(self, what: Topology, folder: Path = Path()) -> Fleet:
        specs = SpecBuilder(what, AddressPlan(what, 92), Rng(7), MachineContext("w1", folder))
        return Fleet(what, self.runtime, specs, self.health, self.clock, self.journal)

    async def _probe(self, _: Check, __: Endpoint, clock: Clock) -> Result:
        await clock.sleep(1.0)
        return self.answer

    @property
    def runs(self) -> list[FakeInstance]:
        assert isinstance(self.runtime, FakeRuntime)
        return self.runtime.runs

    def states(self, machine_id: str) -> list[tuple[str, str]]:
        events = [event for _, event in only(self.journal.records, MachineChanged)]
        return [(e.state, e.reason) for e in events if e.machine == machine_id]

    async def close(self) -> None:
        await self.health.stop()
        await self.fleet.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}


def in_a_world(scene: Callable[[Bench], Coroutine[Any, Any, None]]) -> Coroutine[Any, Any, None]:
    async def run() -> None:
        bench = Bench()
        try:
            await launch(bench.fleet)
            await scene(bench)
        finally:
            await bench.close()

    return run()


def test_all_machines_start_at_the_same_time_and_are_up_once_they_pass(
    virtually: Virtually,
) -> None:
    async def scene(bench: Bench) -> None:
        assert [m.name for m in bench.fleet.machines.values()] == ["iad/1", "fra/1", "fra/2"]
        assert bench.clock.now() == pytest.approx(1.0)
        for machine in bench.fleet.machines.values():
            assert machine.state is State.STARTED
            assert bench.health.status(machine.id) is Status.PASSING
            assert [s for s, _ in bench.states(machine.id)] == ["created", "starting", "started"]

    virtually(in_a_world(scene))


def test_machines_are_found_by_id_by_name_and_by_region(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        iad, first, second = bench.fleet.machines.values()
        assert bench.fleet.find(iad.id) == [iad]
        assert bench.fleet.find("fra/2") == [second]
        assert bench.fleet.find("fra") == [first, second] == bench.fleet.in_region("fra")
        with pytest.raises(InputError, match=r"no machine .* is 'syd'; there are: iad/1 \("):
            bench.fleet.find("syd")
        assert repr(first) == f"<Machine fra/1 {first.id} started>"
        assert repr(bench.fleet) == "<Fleet 3 of 3 machines started>"

    virtually(in_a_world(scene))


def test_an_exit_that_nobody_asked_for_is_journaled_at_once(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.clock.sleep(10.0)
        bench.runs[1].die(Exit(None, signal=11))
        await bench.clock.sleep(0.0)
        await bench.clock.sleep(0.0)
        assert bench.states(machine.id)[-1] == ("stopped", "died: killed by SIGSEGV")
        assert bench.journal.records[-1].t == pytest.approx(11.0)
        assert bench.health.status(machine.id) is Status.PASSING  # belief is not truth
        await bench.fleet.start(machine)
        assert machine.state is State.STARTED

    virtually(in_a_world(scene))


def deaths(bench: Bench) -> list[MachineDied]:
    return [event for _, event in only(bench.journal.records, MachineDied)]


def test_a_death_is_told_with_its_exit_and_last_words_before_its_state(
    virtually: Virtually,
) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        bench.runs[1].die(Exit(3))
        await bench.clock.sleep(1.0)
        (death,) = deaths(bench)
        assert (death.machine, death.region, death.code) == (machine.id, "fra", 3)
        assert (death.end, death.last_lines[-1]) == ("exited with code 3", "line 99")
        stopped = [i for i, r in enumerate(bench.journal.records) if r.event is death]
        after = bench.journal.records[stopped[0] + 1].event
        assert isinstance(after, MachineChanged)
        assert after.state == "stopped"

    virtually(in_a_world(scene))


@pytest.mark.parametrize("verb", ["stop", "kill", "restart"])
def test_an_end_that_was_asked_for_is_no_death(virtually: Virtually, verb: str) -> None:
    async def scene(bench: Bench) -> None:
        await getattr(bench.fleet, verb)(bench.fleet.find("fra/1")[0])
        await bench.clock.sleep(1.0)
        assert deaths(bench) == []

    virtually(in_a_world(scene))


@pytest.mark.parametrize(
    ("sent", "end", "died"),
    [
        (signals.SIGTERM, Exit(0), 0),
        (signals.SIGUSR1, Exit(None, signal=signals.SIGUSR1), 0),
        (signals.SIGHUP, Exit(3), 1),  # it was told to reload, and crashed of itself
    ],
)
def test_a_signal_that_a_person_sends_may_end_a_machine(
    virtually: Virtually, sent: int, end: Exit, died: int
) -> None:
    async def scene(bench: Bench) -> None:
        await bench.fleet.signal(bench.fleet.find("fra/1")[0], sent)
        bench.runs[1].die(end)
        await bench.clock.sleep(1.0)
        assert len(deaths(bench)) == died

    virtually(in_a_world(scene))


def test_what_never_came_up_is_told_to_whoever_started_it_and_is_no_death(
    virtually: Virtually,
) -> None:
    async def scene(bench: Bench) -> None:
        bench.answer = BAD
        machine = bench.fleet.create("fra")
        starting = asyncio.create_task(bench.fleet.start(machine))
        await bench.clock.sleep(0.5)
        bench.runs[-1].die(Exit(1))
        with pytest.raises(StartError, match="exited with code 1"):
            await starting
        assert deaths(bench) == []

    virtually(in_a_world(scene))


def test_a_stop_drains_and_is_killed_after_the_kill_timeout(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        quick, stubborn = bench.fleet.in_region("fra")
        bench.runs[2].drain_s = 60.0
        began = bench.clock.now()
        await bench.fleet.stop(quick)
        assert bench.clock.now() - began == pytest.approx(1.0)
        await bench.fleet.stop(stubborn)
        assert bench.clock.now() - began == pytest.approx(6.0)
        assert bench.states(quick.id)[-2:] == [
            ("stopping", ""),
            ("stopped", "stopped: exited with code 0"),
        ]
        assert bench.states(stubborn.id)[-1] == ("stopped", "stopped: killed by SIGKILL")
        first, second = (
            r.event for r in bench.journal.records if r.event.kind == "machine_stopped"
        )
        assert first == MachineStopped(
            *(quick.id, "fra", "stopped", "SIGINT", 5.0, 1.0, False, "exited with code 0"),
            caught=("SIGINT",),
            ignored=(),
        )
        assert second == MachineStopped(
            *(stubborn.id, "fra", "stopped", "SIGINT", 5.0, 5.0, True, "killed by SIGKILL"),
            end_signal="SIGKILL",
            caught=("SIGINT",),
            ignored=(),
        )

    virtually(in_a_world(scene))


def test_a_version_is_ended_as_it_says_itself(virtually: Virtually) -> None:
    """Not as the version says that takes its place."""

    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        other = replace(machine.config, kill_signal="SIGQUIT", kill_timeout_s=0.5)
        await bench.fleet.update(machine, other)
        await bench.fleet.update(machine, other)
        ends = only(bench.journal.records, MachineStopped)
        assert [(e.why, e.signal, e.killed) for _, e in ends] == [
            ("updated", "SIGINT", False),
            ("updated", "SIGQUIT", True),
        ]

    virtually(in_a_world(scene))


def test_a_kill_is_over_when_it_returns_and_nothing_the_second_time(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("iad")[0]
        await bench.fleet.kill(machine)
        await bench.fleet.kill(machine)
        assert [s for s, _ in bench.states(machine.id)][-2:] == ["started", "stopped"]
        assert bench.states(machine.id)[-1] == ("stopped", "killed: killed by SIGKILL")
        await bench.fleet.start(machine)
        bench.runs[-1].die(Exit(1))
        await bench.clock.sleep(0.1)
        assert bench.states(machine.id)[-1] == ("stopped", "died: exited with code 1")

    virtually(in_a_world(scene))


def test_a_restart_is_a_stop_and_a_start(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("iad")[0]
        await bench.fleet.restart(machine)
        assert [s for s, _ in bench.states(machine.id)][-2:] == ["restarting", "started"]
        assert bench.runs[0].end.result() == Exit(0)
        assert len(bench.runs) == 4

    virtually(in_a_world(scene))


def test_what_is_cut_off_runs_on_without_a_network_until_its_run_ends(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("iad")[0]
        told = len(bench.states(machine.id))
        await breaking.disconnect(bench.fleet, machine)
        assert (machine.condition, machine.state) == ("disconnected", State.STARTED)
        assert bench.runs[0].cut_off
        await breaking.reconnect(machine)
        assert (machine.condition, bench.runs[0].cut_off) == ("started", False)
        assert len(bench.states(machine.id)) == told
        mishaps = Mishaps(bench.fleet, bench.journal)
        mishaps.befell(machine.id, "cut off by somebody else", cut_off=True)
        assert machine.cut_off
        await bench.fleet.kill(machine)
        assert machine.condition == "stopped"
        with pytest.raises(InputError, match="cannot disconnect"):
            await breaking.disconnect(bench.fleet, machine)

    virtually(in_a_world(scene))


def test_frozen_is_no_state_and_ends_with_the_run(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("iad")[0]
        told = len(bench.states(machine.id))
        await breaking.freeze(bench.fleet, machine)
        assert (machine.frozen, machine.state) == (True, State.STARTED)
        await breaking.thaw(machine)
        assert not machine.frozen
        assert len(bench.states(machine.id)) == told
        await breaking.freeze(bench.fleet, machine)
        await bench.fleet.kill(machine)
        assert not machine.frozen
        with pytest.raises(InputError, match=r"cannot freeze iad/1: it is stopped, not started"):
            await breaking.freeze(bench.fleet, machine)

    virtually(in_a_world(scene))


def test_destroying_forgets_the_machine_and_frees_its_number(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.find("fra/1")[0]
        await bench.fleet.destroy(machine)
        states = [s for s, _ in bench.states(machine.id)]
        assert states[-3:] == ["stopped", "destroying", "destroyed"]
        assert machine.id not in bench.fleet.machines
        with pytest.raises(InputError, match="fra/1"):
            bench.fleet.find("fra/1")
        successor = bench.fleet.create("fra")
        assert (successor.name, successor.endpoint) == ("fra/1", machine.endpoint)
        assert bench.fleet.create("fra").name == "fra/3"

    virtually(in_a_world(scene))


@pytest.mark.parametrize("verb", ["stop", "restart"])
def test_what_is_impossible_is_refused_and_changes_nothing(virtually: Virtually, verb: str) -> None:
    async def scene(bench: Bench) -> None:
        machine = bench.fleet.create("fra")
        with pytest.raises(
            IllegalTransitionError, match="it is created; possible now: start, update, dest"
        ):
            await getattr(bench.fleet, verb)(machine)
        assert machine.state is State.CREATED
        with pytest.raises(InputError, match="no region `syd`; allowed: `iad` or `fra`"):
            bench.fleet.create("syd")

    virtually(in_a_world(scene))


def test_a_machine_that_dies_at_start_is_reported_with_its_last_words(virtually: Virtually) -> None:
    async def scene() -> None:
        bench = Bench(fra=1)
        bench.answer = BAD
        machine = bench.fleet.create("fra")
        starting = asyncio.create_task(bench.fleet.start(machine))
        await bench.clock.sleep(2.0)
        bench.runs[0].die(Exit(3))
        with pytest.raises(StartError) as caught:
            await starting
        lines = str(caught.value).splitlines()
        assert lines[0] == "machine fra/1 died at start: exited with code 3"
        assert lines[1] == "its last 20 log lines:"
        assert lines[2:] == [f"  line {i}" for i in range(80, 100)]
        assert machine.state is State.STOPPED
        await bench.close()

    virtually(scene())


def test_a_machine_that_never_passes_is_killed_and_reported(virtually: Virtually) -> None:
    async def scene() -> None:
        bench = Bench(fra=1)
        bench.answer = BAD
        machine = bench.fleet.create("fra")
        with pytest.raises(
            StartError, match=r"within 60 s\nthe check asked GET http://.*/healthz: status 500; "
        ):
            await bench.fleet.start(machine)
        assert bench.clock.now() == pytest.approx(60.0)
        assert machine.state is State.STOPPED
        await bench.close()

    virtually(scene())


def test_all_failures_of_a_launch_are_told_at_once_and_starting_again_is_possible(
    virtually: Virtually,
) -> None:
    async def scene() -> None:
        bench = Bench(fra=1)
        assert isinstance(bench.runtime, FakeRuntime)
        bench.runtime.fails = True
        with pytest.raises(StartError) as caught:
            await launch(bench.fleet)
        assert str(caught.value).splitlines() == [
            "machine iad/1 did not start: no such image for iad",
            "machine fra/1 did not start: no such image for fra",
        ]
        machines = list(bench.fleet.machines.values())
        assert {machine.state for machine in machines} == {State.FAILED}
        bench.runtime.why = "the engine is full"
        with pytest.raises(StartError) as caught:
            await start_all(bench.fleet, machines)
        assert str(caught.value) == "machines iad/1, fra/1 did not start: the engine is full"
        bench.runtime.fails = False
        await start_all(bench.fleet, machines)
        assert {machine.state for machine in machines} == {State.STARTED}
        await bench.close()

    virtually(scene())


@pytest.mark.parametrize(("dying", "boots"), [({1}, 4), ({1, 3}, 4), ({0, 1, 2}, 3)])
def test_one_that_dies_where_others_come_up_is_started_once_more(
    virtually: Virtually, dying: set[int], boots: int
) -> None:
    """Programs that create their tables at their start may run into each other."""

    async def scene() -> None:
        bench = Bench()
        if len(dying) == 3:
            bench.answer = BAD
        launching = asyncio.ensure_future(launch(bench.fleet))
        for number in sorted(dying):
            async with bench.clock.timeout(30.0):
                while len(bench.runs) <= number:
                    await bench.clock.sleep(0.1)
            bench.runs[number].die(Exit(1))
        fails = bool(dying - {1})
        with pytest.raises(StartError, match="died at start") if fails else nullcontext():
            await launching
        assert len(bench.runs) == boots
        await bench.close()

    virtually(scene())


def test_a_repair_boots_what_failed_to_start_and_tells_of_all_that_fail_again(
    virtually: Virtually,
) -> None:
    async def scene() -> None:
        bench = Bench(fra=1)
        assert isinstance(bench.runtime, FakeRuntime)
        bench.runtime.fails, bench.runtime.why = True, "the engine is full"
        with pytest.raises(StartError):
            await launch(bench.fleet)
        world: Any = SimpleNamespace(fleet=bench.fleet)
        with pytest.raises(StartError) as caught:
            await FAULTS["start"].do(world, None, {})
        assert str(caught.value) == "machines iad/1, fra/1 did not start: the engine is full"
        bench.runtime.fails = False
        await FAULTS["start"].do(world, None, {})
        assert {machine.state for machine in bench.fleet.machines.values()} == {State.STARTED}
        await bench.close()

    virtually(scene())


def test_closing_ends_all_at_the_same_time_frozen_ones_too(virtually: Virtually) -> None:
    async def scene(bench: Bench) -> None:
        machines = list(bench.fleet.machines.values())
        await breaking.freeze(bench.fleet, machines[0])
        began = bench.clock.now()
        await bench.fleet.close()
        await bench.fleet.close()
        assert bench.clock.now() - began == pytest.approx(1.0)
        assert [run.end.result() for run in bench.runs] == [Exit(0)] * 3
        assert bench.states(machines[0].id)[-1][1] == "the world ended: exited with code 0"

    virtually(in_a_world(scene))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; print('no config', file=sys.stderr); sys.exit(3)", "exited with code 3"),
        ("import os; print('no config', flush=True); os.abort()", "killed by SIGABRT"),
    ],
)
async def test_a_real_process_that_dies_at_start_is_reported(
    tmp_path: Path, script: str, said: str
) -> None:
    bench = Bench(lambda clock: ProcessRuntime(clock, AddressPlan(topology(), 92)))
    fleet = bench.fleet_of(topology("python", "-c", script), tmp_path)
    bench.answer = BAD
    with pytest.raises(StartError) as caught:
        await fleet.start(fleet.create("fra"))
    await bench.health.stop()
    await fleet.close()
    lines = str(caught.value).splitlines()
    assert lines[0] == f"machine fra/1 died at start: {said}"
    assert lines[1:] == ["its only log line:", "  no config"]


async def test_a_real_process_that_ignores_host_is_reached_all_the_same(tmp_path: Path) -> None:
    """It listens on the wildcard, as most programs do; two of them have ports of their own."""
    script = (
        "import http.server, os\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers()\n"
        "http.server.HTTPServer(('', int(os.environ['PORT'])), Handler).serve_forever()"
    )
    clock = Clock()
    journal = Journal(clock)
    health = HealthChecker(clock, Rng(7), journal)
    what = topology("python", "-c", script)
    specs = SpecBuilder(what, AddressPlan(what, 92), Rng(7), MachineContext("w1", tmp_path))
    fleet = Fleet(what, ProcessRuntime(clock, AddressPlan(what, 92)), specs, health, clock, journal)
    try:
        await launch(fleet)
        for machine in fleet.machines.values():
            assert health.status(machine.id) is Status.PASSING
            with socket.create_connection((machine.endpoint.host, machine.endpoint.port)) as peer:
                assert peer.getpeername()[0] == machine.endpoint.host
    finally:
        await health.stop()
        await fleet.close()
    assert {machine.state for machine in fleet.machines.values()} == {State.STOPPED}


def test_a_lost_host_takes_its_machines_along_and_a_standby_takes_over(virtually):
    async def scene(bench):
        fleet = bench.fleet
        first, second = fleet.in_region("fra")
        standby = fleet.create("iad", replace(fleet.default, standbys=(first.id,)))
        other = fleet.create("iad", replace(fleet.default, standbys=(second.id,)))
        await breaking.lose_host(fleet, [first])
        assert (first.condition, second.state) == ("host lost", State.STARTED)
        assert (standby.state, other.state) == (State.STARTED, State.CREATED)
        with pytest.raises(IllegalTransitionError, match="its host is lost"):
            await fleet.start(first)
        await bench.clock.sleep(600)  # nothing starts it by itself, whatever its policy
        assert first.state is State.STOPPED
        breaking.return_host(first)
        await fleet.start(first)
        assert (first.condition, standby.state) == ("started", State.STARTED)

    virtually(in_a_world(scene))


@pytest.mark.parametrize(("every_s", "starts"), [(1.0, 1 + 10), (400.0, 1 + 12)])
def test_a_machine_is_restarted_so_many_times_within_five_minutes(virtually, every_s, starts):
    async def scene(bench):
        fleet = bench.fleet
        machine = fleet.create("iad", replace(fleet.default, restart="on-failure"))
        before = len(bench.runs)
        await fleet.start(machine)
        for _ in range(12):
            await bench.clock.sleep(every_s)
            bench.runs[-1].die(Exit(1))
            await bench.clock.sleep(20.0)  # longer than it waits before it is started again
        assert len(bench.runs) - before == starts
        assert machine.state is (State.STARTED if every_s > 300 else State.STOPPED)

    virtually(in_a_world(scene))
