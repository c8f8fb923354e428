"""The plugin without worlds: options, markers, collection, and how little it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from sim.pytest_plugin.sections import section_of_world, without_seed

# What a test's world would be made of, printed instead of built.
SHOWS = """
    import pytest
    from sim.pytest_plugin.plugin_options import settings

    @pytest.mark.sim(topology="marked.yaml", seed=5, speed=2)
    def test_marked(request):
        print("marked", settings(request.config, request.node))

    def test_plain(request):
        print("plain", settings(request.config, request.node))
"""
WORLD = """
    async def test_it(sim_world):
        raise AssertionError("never reached")
"""
TOPOLOGY = """
    app: mine
    gateway: {command: [./gateway]}
    regions: {iad: {}, fra: {}}
    locations: {new-york: {}, london: {}}
"""
SCENARIO = """
    topology: topology.yaml
    load: {driver: echo}
    duration: 2s
    expect: [{check: served_by, location: london, region: fra}]
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest in a folder of its own, and give its result."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # Other plugins cost each run a second; that ours is found by itself, an end-to-end test sees.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "sim.pytest_plugin", "-p", "pytest_asyncio.plugin")
    options = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"

    def run(*arguments, ini="", **files):
        pytester.makeini(f"[pytest]\n{options}{ini}\n")
        for name, text in files.items():
            pytester.makefile(".py", **{name: text})
        return pytester.runpytest(*plugins, *arguments)

    return run


def shown(result):
    """What each test's world would be made of."""
    return dict(re.findall(r"(marked|plain) (Settings\(.*\))", result.stdout.str()))


def test_the_marker_wins_over_ini_and_a_flag_over_both(run, pytester):
    ini = "sim_topology = ini.yaml\nsim_seed = 3\nsim_speed = 4\nsim_runtime = docker"
    found = shown(run("-s", "--strict-markers", ini=ini, test_it=SHOWS))
    assert f"topology={pytester.path / 'ini.yaml'!r}" in found["plain"]
    assert "seed=3, speed=4.0, runtime='docker'" in found["plain"]
    assert f"topology={pytester.path / 'marked.yaml'!r}" in found["marked"]
    assert "seed=5, speed=2.0, runtime='docker'" in found["marked"]
    flags = ("--sim-topology=flag.yaml", "--sim-seed=0", "--sim-speed=9", "--sim-runtime=process")
    found = shown(run("-s", *flags, ini=ini, test_it=SHOWS))
    for name in ("plain", "marked"):
        assert f"topology={pytester.path / 'flag.yaml'!r}" in found[name]
        assert "seed=0, speed=9.0, runtime='process'" in found[name]


def test_a_marked_topology_beside_the_test_is_nearer_than_the_root(run, pytester):
    folder = pytester.mkdir("inner")
    (folder / "marked.yaml").touch()
    pytester.makefile(".yaml", marked="")
    (folder / "test_inner.py").write_text(pytester.makepyfile(SHOWS).read_text())
    found = shown(run("-s", "inner"))
    assert f"topology={folder / 'marked.yaml'!r}" in found["marked"]


@pytest.mark.parametrize(
    ("mark", "arguments", "message"),
    [
        ("", (), "no topology is named for this world"),
        ("topology='nowhere.yaml'", (), "nowhere.yaml: there is no such topology"),
        ("'topology.yaml'", (), "@pytest.mark.sim has no positional arguments"),
        ("toplogy='topology.yaml'", (), "@pytest.mark.sim has no toplogy"),
        ("topology='topology.yaml', runtime='dokcer'", (), "unknown runtime `dokcer`"),
        ("topology='topology.yaml', speed='quick'", (), "speed is 'quick'; must be a number"),
        ("topology='topology.yaml', speed=0", (), "speed: found 0; must be 0.1 to 1000"),
        ("topology='topology.yaml'", ("--sim-seed=-1",), "seed is -1; must not be negative"),
    ],
)
def test_a_mistake_is_a_message_without_a_traceback(run, pytester, mark, arguments, message):
    pytester.makefile(".yaml", topology=TOPOLOGY)
    test = f"import pytest\n@pytest.mark.sim({mark})\nasync def test_it(sim_world): ..."
    result = run(*arguments, test_it=test)
    result.assert_outcomes(errors=1)
    assert message in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert "sim/pytest_plugin" not in result.stdout.str()


def test_a_gateway_that_does_not_come_up_shows_its_last_words(run, pytester):
    pytester.makefile(".yaml", topology=TOPOLOGY)
    gateway = pytester.makefile("", gateway="#!/bin/sh\necho no licence found\nexit 3")
    gateway.chmod(0o755)
    result = run("--sim-topology=topology.yaml", test_it=WORLD)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the world did not come up: *", "*no licence found*"])


def test_a_test_with_a_world_is_repeated_over_seeds_and_others_are_not(run):
    test = "def test_one(sim_world): ...\ndef test_two(): ..."
    result = run("--collect-only", "-q", "--sim-seeds=3", "--sim-seed=7", test_it=test)
    tests = [line for line in result.outlines if "::" in line]
    assert tests == [*(f"test_it.py::test_one[seed{n}]" for n in (7, 8, 9)), "test_it.py::test_two"]


def test_the_replayed_id_has_no_seed():
    assert without_seed("a.py::test_one[seed7]") == "a.py::test_one"
    assert without_seed("a.py::test_one[seed7-x-y]") == "a.py::test_one[x-y]"
    assert without_seed("a.py::test_one[x-seed7]") == "a.py::test_one[x]"
    assert without_seed("a.py::test_seed7") == "a.py::test_seed7"


def test_a_report_that_cannot_be_drawn_costs_no_more_than_itself(request):
    def outcome():
        raise OSError(28, "No space left on device")

    journal = SimpleNamespace(path=None)
    inner = SimpleNamespace(journal=journal)
    world: Any = SimpleNamespace(world=inner, seed=7, speed=10.0, outcome=outcome)
    _, text = section_of_world(request.node, world)
    assert text.startswith("seed 7, speed 10\nreplay: pytest ")
    assert text.endswith("there is no report: OSError: [Errno 28] No space left on device\n")


def test_scenarios_are_tests_where_that_is_asked_for(run, pytester):
    folder = pytester.mkdir("topologies")
    for path in (pytester.path / "a.scenario.yaml", folder / "b.yaml"):
        path.write_text(SCENARIO)
    pytester.makefile(".yaml", topology=TOPOLOGY, other=SCENARIO)
    (folder / "topology.yaml").write_text(TOPOLOGY)
    listing = ("--collect-only", "-q")
    assert not [line for line in run(*listing).outlines if "::" in line]
    found = [line for line in run(*listing, "--sim-scenarios").outlines if "::" in line]
    assert found == ["a.scenario.yaml::scenario", "topologies/b.yaml::scenario"]
    repeated = run(*listing, "--sim-scenarios", "--sim-seeds=2")
    assert "topologies/b.yaml::scenario[seed2]" in repeated.outlines


def test_topologies_are_looked_into_beside_testpaths_but_not_beside_named_files(run, pytester):
    folder = pytester.mkdir("topologies")
    (folder / "b.yaml").write_text(SCENARIO)
    pytester.mkdir("tests").joinpath("test_it.py").write_text("def test_one(): ...")
    listing = ("--collect-only", "-q", "--sim-scenarios")
    found = [line for line in run(*listing, ini="testpaths = tests").outlines if "::" in line]
    assert found == ["tests/test_it.py::test_one", "topologies/b.yaml::scenario"]
    named = run(*listing, "tests", ini="testpaths = tests")
    assert "topologies/b.yaml::scenario" not in named.outlines


def test_a_scenario_that_cannot_be_read_fails_with_every_problem(run, pytester):
    pytester.makefile(".yaml", topology=TOPOLOGY)
    bad = "topology: topology.yaml\nduration: 5\nexpect: [{check: outtage}]\n"
    (pytester.path / "bad.scenario.yaml").write_text(bad)
    result = run("--sim-scenarios", "bad.scenario.yaml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*bad.scenario.yaml:2: duration: found `5`*"])
    result.stdout.fnmatch_lines(["*unknown check `outtage`; did you mean `outage`*"])
    assert "Traceback" not in result.stdout.str()


def test_seeds_must_be_some(run):
    result = run("--sim-seeds=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--sim-seeds: must be 1 or more*"])


def test_the_plugin_costs_other_projects_three_small_modules():
    code = (
        "import pytest, sys; before = set(sys.modules); import sim.pytest_plugin;"
        " print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sim", "sim.pytest_plugin", "sim.pytest_plugin.plugin_options"]
