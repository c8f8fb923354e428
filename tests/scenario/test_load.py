import json
from dataclasses import replace
from pathlib import Path

import pytest

from sim.clients.backoff import BackoffSpec
from sim.clients.load_spec import LoadSpec
from sim.errors import InputError, Problem
from sim.scenario.load_scenario import load_scenario, scenario_from_mapping
from sim.scenario.model import Expectation, Target, TimelineEntry
from sim.schemas.validate import validate
from sim.topology.load_topology import load_topology

FILES = Path(__file__).parents[2] / "topologies"

TOPOLOGY = """\
app: voice
gateway: {command: [./gateway]}
regions:
  iad: {machines: 2, primary: true}
  fra: {}
locations:
  new-york: {share: 60}
  london: {share: 40}
services:
  database: {region: iad}
policies:
  residency:
    eu: {locations: [london], regions: [fra]}
"""

GOOD = """\
name: frankfurt crashes
topology: t.yaml
load: {driver: session, clients: 50, every: 200ms, payload: 320, resolver: strict}
timeline:
  - {at: 100s, fault: start, region: fra}
  - {at: 20s, fault: crash, region: fra}
duration: 150s
expect:
  - {check: served_by, location: london, region: fra, until: 20s}
  - {check: outage, location: london, max: 70s}
  - {check: messages, lost: 0, duplicated: 0, reordered: 0}
  - {check: sessions, resumed: all}
"""


def write(tmp_path: Path, text: str = GOOD, topology: str = TOPOLOGY) -> Path:
    (tmp_path / "t.yaml").write_text(topology)
    path = tmp_path / "s.yaml"
    path.write_text(text)
    return path


def entry(tmp_path: Path, line: str) -> TimelineEntry:
    text = GOOD.replace("{at: 20s, fault: crash, region: fra}", line)
    return load_scenario(write(tmp_path, text)).timeline[0]


def expectation(tmp_path: Path, line: str) -> Expectation:
    text = GOOD.replace("{check: sessions, resumed: all}", line)
    return load_scenario(write(tmp_path, text)).expect[-1]


def problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    return caught.value.problems


def test_the_format_as_documented_loads_in_the_order_of_time(tmp_path: Path) -> None:
    path = write(tmp_path)
    scenario = load_scenario(path)
    assert scenario.name == "frankfurt crashes"
    assert scenario.topology == load_topology(tmp_path / "t.yaml")
    assert scenario.load == LoadSpec(
        "session", 50, 0.2, 320, {"strict": 1.0}, 5.0, BackoffSpec(0.25, 5.0)
    )
    assert scenario.timeline == (
        TimelineEntry(20.0, "crash", Target("region", "fra")),
        TimelineEntry(100.0, "start", Target("region", "fra")),
    )
    assert scenario.duration_s == 150.0
    assert scenario.expect == (
        Expectation("served_by", {"location": "london", "region": "fra", "until_s": 20.0}),
        Expectation("outage", {"location": "london", "max_s": 70.0}),
        Expectation("messages", {"lost": 0, "duplicated": 0, "reordered": 0}),
        Expectation("sessions", {"resumed": "all"}),
    )
    assert scenario.path == path


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, "topology: t.yaml\nduration: 10s\n"))
    assert scenario.name == "s"
    assert scenario.load == LoadSpec()
    assert scenario.timeline == ()
    assert scenario.expect == ()


@pytest.mark.parametrize("text", [GOOD, "topology: t.yaml\nduration: 10s\n"])
def test_a_scenario_comes_back_from_its_document_through_json(tmp_path: Path, text: str) -> None:
    scenario = load_scenario(write(tmp_path, text))
    stored = json.loads(json.dumps(scenario.document))
    assert scenario_from_mapping(stored, scenario.topology, scenario.path) == scenario


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("crash, machine: iad/2", TimelineEntry(20.0, "crash", Target("machine", "iad/2"))),
        (
            "stop, machine: 148ed193b12d38",
            TimelineEntry(20.0, "stop", Target("machine", "148ed193b12d38")),
        ),
        (
            "slow, region: fra, bandwidth: 64kbps, shared: true",
            TimelineEntry(
                20.0, "slow", Target("region", "fra"), {"bandwidth_kbps": 64.0, "shared": True}
            ),
        ),
        (
            "slow, link: [fra, london], latency: 50ms, jitter: 5ms, bandwidth: 64kbps",
            TimelineEntry(
                20.0,
                "slow",
                Target("link", ("london", "fra")),
                {"latency_ms": 50.0, "jitter_ms": 5.0, "bandwidth_kbps": 64.0},
            ),
        ),
        (
            "partition, link: [fra, database], mode: refusing",
            TimelineEntry(
                20.0, "partition", Target("link", ("fra", "database")), {"mode": "refusing"}
            ),
        ),
        (
            "partition, link: [london, fra], towards: fra",
            TimelineEntry(
                20.0,
                "partition",
                Target("link", ("london", "fra")),
                {"mode": "silent", "towards": "fra"},
            ),
        ),
        (
            "flap, location: london, period: 2s",
            TimelineEntry(20.0, "flap", Target("location", "london"), {"period_s": 2.0}),
        ),
        (
            "loss, region: fra, percent: 5%",
            TimelineEntry(20.0, "loss", Target("region", "fra"), {"share": 0.05}),
        ),
        (
            "service_outage, service: database",
            TimelineEntry(20.0, "service_outage", Target("service", "database")),
        ),
        ("heal", TimelineEntry(20.0, "heal", None)),
        (
            "scale, region: fra, count: 3",
            TimelineEntry(20.0, "scale", Target("region", "fra"), {"count": 3}),
        ),
    ],
)
def test_faults_have_targets_and_parameters_with_units(
    tmp_path: Path, written: str, read: TimelineEntry
) -> None:
    assert entry(tmp_path, f"{{at: 20s, fault: {written}}}") == read


@pytest.mark.parametrize(
    ("written", "params"),
    [
        ("outage, location: london, min: 5s", {"location": "london", "min_s": 5.0}),
        ("residency, policy: eu, from: 5s", {"policy": "eu", "from_s": 5.0}),
        (
            "latency, location: london, percentile: p99.9, max: 40ms",
            {"location": "london", "percentile": 99.9, "max_ms": 40.0},
        ),
        (
            "latency, location: london, region: iad, percentile: 50, max: 1s",
            {"location": "london", "region": "iad", "percentile": 50.0, "max_ms": 1000.0},
        ),
        ("errors, max: 1%", {"max_share": 0.01}),
        (
            "dns, location: london, region: iad, within: 60s",
            {"location": "london", "region": "iad", "within_s": 60.0},
        ),
        ("herd, region: iad, max: 20/s", {"region": "iad", "max_rate": 20.0}),
    ],
)
def test_checks_have_parameters_with_units(
    tmp_path: Path, written: str, params: dict[str, object]
) -> None:
    assert expectation(tmp_path, f"{{check: {written}}}").params == params


@pytest.mark.parametrize(
    ("written", "shares"),
    [
        ("jvm", {"jvm": 1.0}),
        ("{strict: 3, pinned: 1}", {"strict": 0.75, "pinned": 0.25}),
        ("{browser: 0.5, jvm: 0.5}", {"browser": 0.5, "jvm": 0.5}),
    ],
)
def test_resolvers_are_one_name_or_shares(
    tmp_path: Path, written: str, shares: dict[str, float]
) -> None:
    text = GOOD.replace("resolver: strict", f"resolver: {written}")
    assert load_scenario(write(tmp_path, text)).load.resolver == shares


def test_a_driver_of_ones_own_sizes_and_backoff_are_taken(tmp_path: Path) -> None:
    text = GOOD.replace("driver: session", "driver: 'acme.drivers:Voice', timeout: 2s")
    text = text.replace("payload: 320", "payload: 2KiB, backoff: {base: 10s}")
    load = load_scenario(write(tmp_path, text)).load
    assert (load.driver, load.timeout_s, load.payload_bytes) == ("acme.drivers:Voice", 2.0, 2048)
    assert load.backoff == BackoffSpec(10.0, 10.0)


CRASH = "{at: 20s, fault: crash, region: fra}"
SERVED = "{check: served_by, location: london, region: fra, until: 20s}"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{base: 1s, max: 60s, jitter: equal}", BackoffSpec(1.0, 60.0, "equal")),
        ("{jitter: none}", BackoffSpec(0.25, 5.0, "none")),
        ("{fixed: 15s}", BackoffSpec(15.0, 15.0, "none")),
    ],
)
def test_clients_back_off_as_real_ones_do(tmp_path: Path, written: str, read: BackoffSpec) -> None:
    text = GOOD.replace("payload: 320", f"backoff: {written}")
    assert load_scenario(write(tmp_path, text)).load.backoff == read


# What is written instead of what, and where and how it is answered.
MISTAKES = [
    ("name: frankfurt crashes", "name: 5", 1, "name", "must be text"),
    ("topology: t.yaml", "topologi: t.yaml", 2, "topologi", "did you mean `topology`?"),
    ("topology: t.yaml", "topology: tt.yaml", 2, "topology", "did you mean `"),
    ("duration: 150s", "duration: 150", 7, "duration", "found `150` without a unit; write `150s`"),
    ("duration: 150s", "duration: 0s", 7, "duration", "more than 0s"),
    ("duration: 150s\n", "", None, "duration", "write a duration such as `30s`"),
    # load
    ("every: 200ms", "every: 200", 3, "load.every", "without a unit"),
    ("every: 200ms", "evry: 200ms", 3, "load.evry", "did you mean `every`?"),
    ("driver: session", "driver: sesion", 3, "load.driver", "did you mean `session`?"),
    ("clients: 50", "clients: 0", 3, "load.clients", "from 1 to 10000"),
    ("payload: 320", "payload: 5kb", 3, "load.payload", "B, KiB, MiB, GiB"),
    ("payload: 320", "payload: 2MiB", 3, "load.payload", "1B to 1MiB"),
    ("resolver: strict", "resolver: jmv", 3, "load.resolver", "did you mean `jvm`?"),
    ("resolver: strict", "resolver: {jvm: 0}", 3, "load.resolver.jvm", "above 0"),
    ("resolver: strict", "resolver: [jvm]", 3, "load.resolver", "or shares:"),
    (
        "resolver: strict",
        "backoff: {base: 9s, max: 5s}",
        3,
        "load.backoff.max",
        "at least the base, 9s",
    ),
    ("resolver: strict", "backoff: {jitter: ful}", 3, "load.backoff.jitter", "mean `full`?"),
    ("resolver: strict", "backoff: {fixed: 15}", 3, "load.backoff.fixed", "without a unit"),
    (
        "resolver: strict",
        "backoff: {fixed: 15s, max: 60s}",
        3,
        "load.backoff.max",
        "the whole wait",
    ),
    # the timeline
    ("fault: crash", "fault: crush", 6, "timeline[1].fault", "did you mean `crash`?"),
    ("fault: crash, ", "", 6, "timeline[1].fault", "write one of `crash`, `stop`"),
    ("at: 20s, ", "", 6, "timeline[1].at", "is missing; `crash` needs it"),
    ("at: 20s", "at: 20", 6, "timeline[1].at", "without a unit"),
    ("at: 20s", "at: 150s", 6, "timeline[1].at", "before the end of the run, 150s"),
    (CRASH, "{at: 20s, fault: crash}", 6, "timeline[1]", "write `region: fra` or `machine: fra/1`"),
    (CRASH, CRASH[:-1] + ", machine: fra/1}", 6, "timeline[1]", "2 targets"),
    (CRASH, CRASH[:-1] + ", hard: true}", 6, "timeline[1].hard", "unknown key `hard`; allowed:"),
    ("crash, region: fra", "crash, region: frb", 6, "timeline[1].region", "mean `fra`?"),
    ("crash, region: fra", "crash, link: [a, b]", 6, "timeline[1].link", "not done to a link"),
    ("crash, region: fra", "crash, machine: fra/2", 6, "timeline[1].machine", "has 1 machine"),
    ("crash, region: fra", "crash, machine: fra", 6, "timeline[1].machine", "such as `fra/1`"),
    ("crash, region: fra", "crash, machine: frx/1", 6, "timeline[1].machine", "no region `frx`"),
    (
        "crash, region: fra",
        "stale_dns, location: pars",
        6,
        "timeline[1].location",
        "no location `pars`; allowed: `new-york` or `london`",
    ),
    (
        "crash, region: fra",
        "service_outage, service: redis",
        6,
        "timeline[1].service",
        "no service `redis`; allowed: `database`",
    ),
    (
        "crash, region: fra",
        "partition, link: [london, paris]",
        6,
        "timeline[1].link",
        "no region or location `paris`",
    ),
    (
        "crash, region: fra",
        "partition, link: [london, new-york]",
        6,
        "timeline[1].link",
        "one end must be a region",
    ),
    (
        "crash, region: fra",
        "partition, link: [iad, fra]",
        6,
        "timeline[1].link",
        "did you mean `[iad, database]`?",
    ),
    (
        "crash, region: fra",
        "partition, link: [london, database]",
        6,
        "timeline[1].link",
        "name a region, as `[fra, database]`",
    ),
    ("crash, region: fra", "partition, link: london", 6, "timeline[1].link", "two places"),
    (
        "crash, region: fra",
        "partition, region: fra, mode: quiet",
        6,
        "timeline[1].mode",
        "allowed: `silent`, `refusing` or `unanswered`",
    ),
    (
        "crash, region: fra",
        "partition, link: [london, fra], towards: iad",
        6,
        "timeline[1].towards",
        "an end of the link: `london` or `fra`",
    ),
    (
        "crash, region: fra",
        "partition, link: [london, fra], towards: fra, mode: refusing",
        6,
        "timeline[1].towards",
        "write `mode: silent`",
    ),
    ("crash, region: fra", "slow, region: fra", 6, "timeline[1]", "`latency`, `jitter` or"),
    (
        "crash, region: fra",
        "slow, region: fra, bandwidth: 64",
        6,
        "timeline[1].bandwidth",
        "write `64kbps`",
    ),
    (
        "crash, region: fra",
        "slow, region: fra, bandwidth: 0kbps",
        6,
        "timeline[1].bandwidth",
        "a `partition`",
    ),
    ("crash, region: fra", "loss, region: fra", 6, "timeline[1].percent", "`loss` needs it"),
    ("crash, region: fra", "loss, region: fra, percent: 5", 6, "timeline[1].percent", "`5%`"),
    ("crash, region: fra", "scale, region: fra, count: -1", 6, "timeline[1].count", "0 or more"),
    (CRASH, "crash", 6, "timeline[1]", "a mapping of keys to values"),
    # expectations
    (SERVED, SERVED.replace("served_by", "servd_by"), 9, "expect[0].check", "mean `served_by`?"),
    (SERVED, SERVED.replace("london", "londn"), 9, "expect[0].location", "did you mean `london`?"),
    (SERVED, SERVED.replace("region: fra, ", ""), 9, "expect[0].region", "`served_by` needs it"),
    (SERVED, SERVED.replace("until", "untl"), 9, "expect[0].untl", "did you mean `until`?"),
    ("until: 20s", "until: 151s", 9, "expect[0].until", "after the end of the run, 150s"),
    ("until: 20s", "from: 30s, until: 20s", 9, "expect[0].from", "before the end of its window"),
    ("max: 70s", "max: 70", 10, "expect[1].max", "without a unit"),
    (", max: 70s", "", 10, "expect[1]", "`max` or `min`"),
    ("max: 70s", "max: 5s, min: 6s", 10, "expect[1].max", "at least `min`, 6s"),
    ("lost: 0", "lost: none", 11, "expect[2].lost", "a whole number"),
    ("resumed: all", "resumed: some", 12, "expect[3].resumed", "allowed: `all`"),
    ("sessions, resumed: all", "residency, policy: us", 12, "expect[3].policy", "`us`"),
    (
        "sessions, resumed: all",
        "latency, location: london, percentile: 101, max: 5ms",
        12,
        "expect[3].percentile",
        "above 0 and up to 100",
    ),
    ("sessions, resumed: all", "errors, max: 1", 12, "expect[3].max", "`1%`"),
    ("sessions, resumed: all", "herd, region: iad, max: 9", 12, "expect[3].max", "`9/s`"),
]


@pytest.mark.parametrize(("old", "new", "line", "field", "says"), MISTAKES)
def test_a_mistake_is_answered_where_it_is(
    tmp_path: Path, old: str, new: str, line: int | None, field: str | None, says: str
) -> None:
    assert old in GOOD
    found = problems(write(tmp_path, GOOD.replace(old, new, 1)))
    matching = [p for p in found if p.field == field and says in p.message]
    assert matching, [str(p) for p in found]
    assert matching[0].line == line


def test_a_list_that_is_none_is_a_problem(tmp_path: Path) -> None:
    text = "topology: t.yaml\nduration: 10s\ntimeline: {at: 20s}\nload: many\nexpect:\n"
    found = problems(write(tmp_path, text))
    assert [(p.line, p.field) for p in found] == [(3, "timeline"), (4, "load")]


def test_links_join_regions_where_anycast_forwards(tmp_path: Path) -> None:
    known = load_scenario(write(tmp_path, GOOD)).topology
    anycast = replace(known, routing=replace(known.routing, mode="anycast"))
    timeline = [{"at": "20s", "fault": "partition", "link": ["fra", "iad"]}]
    data = {"topology": "t.yaml", "timeline": timeline, "duration": "30s"}
    scenario = scenario_from_mapping(data, anycast)
    assert scenario.timeline[0].target == Target("link", ("fra", "iad"))


def test_machines_beyond_the_topologys_may_exist_where_the_timeline_scales(tmp_path: Path) -> None:
    text = GOOD.replace("crash, region: fra", "crash, machine: fra/2")
    text = text.replace("fault: start, region: fra", "fault: scale, region: fra, count: 2")
    assert load_scenario(write(tmp_path, text)).timeline[0].target == Target("machine", "fra/2")


def test_problems_of_the_scenario_and_of_its_topology_come_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("at: 20s", "at: 20").replace("region: fra, until", "region: xxx, until")
    path = write(tmp_path, text, TOPOLOGY.replace("app: voice", "ap: voice"))
    found = [(p.file, p.line, p.field) for p in problems(path)]
    assert found == [
        (str(tmp_path / "t.yaml"), None, "app"),
        (str(tmp_path / "t.yaml"), 1, "ap"),
        (str(path), 6, "timeline[1].at"),
    ]


@pytest.mark.parametrize("path", sorted(FILES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_file_that_comes_along_is_valid(path: Path) -> None:
    assert validate([path]) == []


def test_validation_tells_scenarios_from_topologies_and_each_problem_once(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("at: 20s", "at: 20"), TOPOLOGY + "x: 1\n")
    found = validate([path, tmp_path / "t.yaml", tmp_path / "none.yaml"])
    assert [(Path(str(p.file)).name, p.field) for p in found] == [
        ("t.yaml", "x"),
        ("s.yaml", "timeline[1].at"),
        ("none.yaml", None),
    ]


def test_a_topology_is_not_taken_for_a_scenario(tmp_path: Path) -> None:
    write(tmp_path)
    (problem,) = problems(tmp_path / "t.yaml")
    assert "this is a topology, not a scenario: `sim up" in problem.message
    assert "`topology: t.yaml`" in problem.message
