"""The pytest plugin: worlds as fixtures, scenarios as tests, and failures that say how to replay.

It is imported by every pytest run of an environment that has the simulator, so it imports nothing
but pytest and the standard library until a world is asked for. See docs/testing.md.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from sim.pytest_plugin.plugin_options import MARKER, Settings, add_options, seeds, settings

if TYPE_CHECKING:
    from sim.pytest_plugin.scenarios import ScenarioFile
    from sim.testing import SimWorld

_ITEM = pytest.StashKey[pytest.Item]()
_SHARED = pytest.StashKey["SimWorld"]()
_WORLDS = ("sim_world", "sim_session_world")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flags and ini options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; look for scenarios in `topologies/` where no path was given."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(topology, seed, speed, runtime, clock): what the test's sim_world is made of",
    )
    if config.getoption("sim_seeds") < 1:
        raise pytest.UsageError("--sim-seeds: must be 1 or more")
    folder = config.rootpath / "topologies"
    given = config.args_source is pytest.Config.ArgsSource.ARGS
    if config.getoption("sim_scenarios") and not given and folder.is_dir():
        config.args.append(str(folder))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat every test of a world of its own over the seeds."""
    count = metafunc.config.getoption("sim_seeds")
    if count > 1 and "sim_world" in metafunc.fixturenames:
        first = settings(metafunc.config, metafunc.definition).seed
        numbers = seeds(metafunc.config, first)
        metafunc.parametrize("sim_seed", numbers, ids=[f"seed{number}" for number in numbers])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """Collect scenarios, where that was asked for."""
    if not parent.config.getoption("sim_scenarios") or file_path.suffix != ".yaml":
        return None
    from sim.pytest_plugin.scenarios import ScenarioFile, is_scenario  # noqa: PLC0415

    if not is_scenario(file_path, parent.config.rootpath):
        return None
    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.fixture
def sim_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test's `sim_world`."""
    return _settings(request.config, request.node).seed


@pytest.fixture
def sim_world(
    request: pytest.FixtureRequest, sim_seed: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimWorld]:
    """A world of this test's own, up before the test and ended after it."""
    asked = _settings(request.config, request.node)
    with _up(asked, sim_seed, tmp_path_factory) as world:
        world.begin_test(request.node.nodeid, request.node.path.parent)
        yield world


@pytest.fixture(scope="session")
def sim_session_world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimWorld]:
    """One world for all tests that ask for it (of this worker); healed after each of them."""
    asked = _settings(request.config)
    first = request.config.stash[_ITEM]
    with _up(asked, asked.seed, tmp_path_factory) as world:
        world.begin_test(first.nodeid, first.path.parent)
        request.config.stash[_SHARED] = world
        try:
            yield world
        finally:
            del request.config.stash[_SHARED]


def _settings(config: pytest.Config, item: pytest.Item | None = None) -> Settings:
    try:
        return settings(config, item)
    except pytest.UsageError as error:
        _fail(str(error))


@contextmanager
def _up(asked: Settings, seed: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimWorld]:
    """A world that is up; a mistake of the user's, or what is lacking here, without a traceback."""
    if asked.topology is None:
        _fail(
            "no topology is named for this world: write @pytest.mark.sim(topology=…),"
            " `sim_topology` in pytest's configuration, or --sim-topology FILE"
            " (`sim init` writes one)"
        )
    from sim.testing import SimError, open_world  # noqa: PLC0415

    journal = tmp_path_factory.mktemp("sim") / "journal.jsonl"
    try:
        opening = open_world(
            asked.topology,
            seed=seed,
            speed=asked.speed,
            runtime=asked.runtime,
            clock=asked.clock,
            journal=journal,
        )
        world = opening.__enter__()
    except SimError as error:
        _fail(f"the world did not come up: {error}")
    try:
        yield world
    finally:
        opening.__exit__()


def _fail(why: str) -> NoReturn:
    pytest.fail(why, pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a shared world sees from now on belongs to this test."""
    item.config.stash[_ITEM] = item
    world = item.config.stash.get(_SHARED, None)
    if world is not None and "sim_session_world" in getattr(item, "fixturenames", ()):
        world.begin_test(item.nodeid, item.path.parent)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a failure how to see it again, and what is known of it."""
    report = yield
    if report.when != "teardown" and report.failed:
        for world in _worlds_of(item):
            from sim.pytest_plugin.sections import section_of_world  # noqa: PLC0415

            report.sections.append(section_of_world(item, world))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Heal a shared world after each test, whatever the test did to it.

    Before the fixtures are torn down, because after the last test the world is one of them.
    """
    world = getattr(item, "funcargs", {}).get("sim_session_world")
    try:
        if world is not None:
            world.restore()
    finally:
        yield


def _worlds_of(item: pytest.Item) -> list[SimWorld]:
    given = getattr(item, "funcargs", {})
    return [given[name] for name in _WORLDS if name in given]
