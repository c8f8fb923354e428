"""Every mistake in a topology file is one message with file, line, field and remedy."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import InputError, Problem
from sim.topology.load_topology import load_topology, topology_from_mapping
from sim.topology.model import Topology
from sim.topology.yaml_document import parse_document

GOOD = """\
app: voice
gateway:
  command: [./gateway]
  checks:
    - {type: http, path: /healthz, interval: 30s, timeout: 5s}
regions:
  iad: {machines: 1, primary: true}
  fra: {machines: 1}
locations:
  new-york: {share: 60}
  london: {share: 40, subnets: [81.2.69.0/24]}
routing: {mode: geodns, ttl: 30s}
links:
  - {between: [london, fra], rtt: 15ms, jitter: 2ms}
services:
  database: {kind: postgres, region: iad}
policies:
  residency:
    eu: {locations: [london], regions: [fra]}
"""


def problems(tmp_path: Path, text: str) -> tuple[Problem, ...]:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_topology(path)
    assert caught.value.exit_code == 2
    assert {problem.file for problem in caught.value.problems} == {str(path)}
    return caught.value.problems


# What is written instead of what, and where and how it is answered.
MISTAKES = [
    # unknown keys, at any depth
    ("app: voice", "app: voice\ndomian: x.dev", 2, "domian", "did you mean `domain`?"),
    ("interval: 30s", "intervall: 30s", 5, "gateway.checks[0].intervall", "mean `interval`?"),
    ("machines: 1}", "machine: 1}", 8, "regions.fra.machine", "did you mean `machines`?"),
    ("ttl: 30s", "xyz: 30s", 12, "routing.xyz", "allowed: `mode`, `ttl`, `when_none_local`"),
    ("kind: postgres", "knd: postgres", 16, "services.database.knd", "did you mean `kind`?"),
    (
        "app: voice",
        "app: voice\ncosts: {markup: {frq: 1.1}}",
        2,
        "costs.markup.frq",
        "did you mean `fra`?",
    ),
    # hosts
    *(
        ("app: voice", f"app: voice\nhosts: {{{region}: '{host}'}}", 2, f"hosts.{region}", said)
        for region, host, said in (
            ("frq", "ssh://10.1.2.3", "did you mean `fra`?"),
            ("fra", "http://10.1.2.3:2375", "write `ssh://USER@HOST` or `tcp://HOST:2375`"),
            ("fra", "10.1.2.3", "must be a Docker engine's address"),
            ("fra", "tcp://10.1.2.3", "write `ssh://USER@HOST` or `tcp://HOST:2375`"),
            ("fra", "tcp://:2375", "must be a Docker engine's address"),
            ("fra", "tcp://a:99999", "must be a Docker engine's address"),
            ("fra", "unix:///var/run/docker.sock", "this host's own engine; leave the region out"),
            ("fra", "ssh://me:pw@10.1.2.3", "must hold no password"),
        )
    ),
    (
        "app: voice",
        "app: voice\ncosts: {sizes: {shared-1x: 2}}",
        2,
        "costs.sizes.shared-1x",
        "Fly has no machine size `shared-1x`; did you mean `shared-cpu-1x`?",
    ),
    (
        "app: voice",
        "app: voice\ndeploy: {max_unavailable: 0.33}",
        2,
        "deploy.max_unavailable",
        "write a number of machines, or a share such as `33%`",
    ),
    # numbers without units, and other kinds of values
    ("interval: 30s", "interval: 30", 5, "gateway.checks[0].interval", "write `30s` (units: ms"),
    ("ttl: 30s", "ttl: 30", 12, "routing.ttl", "found `30` without a unit; write `30s`"),
    ("rtt: 15ms", "rtt: 15", 14, "links[0].rtt", "without a unit"),
    ("ttl: 30s", "ttl: 1500ms", 12, "routing.ttl", "whole seconds"),
    ("interval: 30s", "interval: 0s", 5, "gateway.checks[0].interval", "allowed: 1ms to 24h"),
    ("machines: 1}", "machines: one}", 8, "regions.fra.machines", "must be a whole number"),
    ("machines: 1}", "machines: -1}", 8, "regions.fra.machines", "must be ≥ 0"),
    ("machines: 1}", "machines: 241}", 8, "regions.fra.machines", "must be ≤ 240"),
    ("primary: true", "primary: yes", 7, "regions.iad.primary", "`true` or `false`"),
    ("share: 60", "share: 0", 10, "locations.new-york.share", "must be > 0"),
    ("share: 60", "share: many", 10, "locations.new-york.share", "must be a number"),
    ("mode: geodns", "mode: anycats", 12, "routing.mode", "did you mean `anycast`?"),
    (
        "mode: geodns",
        "mode: anycast, when_none_local: refuse",
        12,
        "routing.when_none_local",
        "no one is refused",
    ),
    ("ttl: 30s", "spill: none", 12, "routing.spill", "allowed: `hard` or `soft`"),
    (
        "  command:",
        "  concurrency: {soft_limit: 20, hard_limit: 10}\n  command:",
        3,
        "gateway.concurrency.hard_limit",
        "is less than `soft_limit`, 20",
    ),
    (
        "  command:",
        "  concurrency: {type: sockets}\n  command:",
        3,
        "gateway.concurrency.type",
        "allowed: `connections` or `requests`",
    ),
    ("  command:", "  auto_stop: sleep\n  command:", 3, "gateway.auto_stop", "`suspend`"),
    ("type: http", "type: grpc", 5, "gateway.checks[0].type", "allowed: `http` or `tcp`"),
    ("kind: postgres", "kind: mysql", 16, "services.database.kind", "allowed: `postgres`"),
    ("path: /healthz", "path: healthz", 5, "gateway.checks[0].path", "such as `/healthz`"),
    ("[./gateway]", "./gateway", 3, "gateway.command", "must be a list: write"),
    ("[./gateway]", "[]", 3, "gateway.command", "at least 1 item"),
    ("app: voice", "app: Atlas Voice", 1, "app", "lower-case letters"),
    ("app: voice", "app: voice\ndomain: fly..dev", 2, "domain", "such as `fly.dev`"),
    # missing and contradictory parts
    ("app: voice", "domain: fly.dev", None, "app", "as in `app: my-gateway`"),
    ("  command: [./gateway]\n", "", 2, "gateway", "give one of them, such as `command:"),
    ("type: http, ", "type: tcp, ", 5, "gateway.checks[0].path", "remove it or write `type: http`"),
    ("machines: 1}", "primary: true}", 8, "regions.fra.primary", "`iad` is primary already"),
    ("rtt: 15ms, ", "", 14, "links[0].jitter", "add `rtt`"),
    (", rtt: 15ms, jitter: 2ms", "", 14, "links[0]", "nothing is said of `london` and `fra`"),
    ("jitter: 2ms", "shared: true", 14, "links[0].shared", "add `bandwidth: 10mbps`"),
    ("jitter: 2ms", "bandwidth: 10", 14, "links[0].bandwidth", "without a unit"),
    ("jitter: 2ms", "bandwidth: 0kbps", 14, "links[0].bandwidth", "more than 0kbps"),
    ("jitter: 2ms", "buffer: 1KiB", 14, "links[0].buffer", "allowed: 4KiB to 64MiB"),
    ("jitter: 2ms", "jitter: 20ms", 14, "links[0].jitter", "write less than `rtt`"),
    # places
    ("  fra:", "  mia:", 8, "regions.mia", "nearest active region is `iad` (Ashburn): use it"),
    ("  fra:", "  frankfurt:", 8, "regions.frankfurt", "did you mean `fra`?"),
    ("  fra:", "  q9q:", 8, "regions.q9q", "`ams`, `arn`"),
    ("  new-york:", "  new-yrok:", 10, "locations.new-yrok", "did you mean `new-york`?"),
    ("  new-york:", "  qqq-1:", 10, "locations.qqq-1", "`qqq-1: {at: [51.51, -0.13]}`"),
    ("  new-york:", "  New York:", 10, "locations.New York", "lower-case"),
    ("  new-york:", "  iad:", 10, "locations.iad", "a region's name too"),
    ("  new-york:", "  database:", 10, "locations.database", "name the location otherwise"),
    ("share: 60", "at: [95, 0]", 10, "locations.new-york.at", "[latitude, longitude] in degrees"),
    ("share: 60", "at: 51.5", 10, "locations.new-york.at", "[latitude, longitude] in degrees"),
    ("region: iad", "region: lhr", 16, "services.database.region", "with `machines: 0`"),
    ("[london, fra], rtt", "[london, nrt], rtt", 14, "links[0].between", "location `nrt`"),
    ("[london, fra], rtt", "[london], rtt", 14, "links[0].between", "at least 2 items"),
    ("[london, fra], rtt", "[fra, fra], rtt", 14, "links[0].between", "name two places"),
    ("[london, fra], rtt", "[london, new-york], rtt", 14, "links[0].between", "name one"),
    (
        "locations: [london]",
        "locations: [pars]",
        19,
        "policies.residency.eu.locations[0]",
        "allowed",
    ),
    ("regions: [fra]", "regions: [frx]", 19, "policies.residency.eu.regions[0]", "mean `fra`?"),
    ("regions: [fra]", "regions: []", 19, "policies.residency.eu.regions", "at least 1 item"),
    # subnets
    (
        "share: 60",
        "subnets: [81.2.69.0/24]",
        11,
        "locations.london.subnets[0]",
        "`81.2.69.0/24` is new-york's",
    ),
    ("81.2.69.0/24", "81.2.69.7/24", 11, "locations.london.subnets[0]", "write `81.2.69.0/24`"),
    ("81.2.69.0/24", "81.2.69", 11, "locations.london.subnets[0]", "such as `81.2.69.0/24`"),
    ("81.2.69.0/24", "127.1.0.0/16", 11, "locations.london.subnets[0]", "give a public one"),
    # the environment
    ("[./gateway]", "[x]\n  env: {FLY_X: a}", 4, "gateway.env.FLY_X", "Fly's own; rename it"),
    ("[./gateway]", "[x]\n  env: {N: 1.10}", 4, "gateway.env.N", "put the number in quotes"),
    ("[./gateway]", "[x]\n  env: {a-b: c}", 4, "gateway.env.a-b", "letters, digits and `_`"),
    ("[./gateway]", "[x]\n  secrets: [FLY_X]", 4, "gateway.secrets[0]", "rename it"),
    ("[./gateway]", "[x]\n  secrets: {A: b}", 4, "gateway.secrets", "names only"),
    (
        "[./gateway]",
        "[x]\n  secrets: [DATABASE_URL]",
        4,
        "gateway.secrets[0]",
        "set by services.database; remove one",
    ),
    # services
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  cache: {comand: [x]}",
        17,
        "services.cache.comand",
        "did you mean `command`?",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  cache: {port: 1}",
        17,
        "services.cache",
        "such as `command: [redis-server, --port, $PORT]`",
    ),
    (
        "database: {kind: postgres, region: iad}",
        "databse: {region: iad}",
        16,
        "services.databse",
        "the built-in PostgreSQL is called `database`",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  cache: {image: redis}",
        17,
        "services.cache.port",
        "where the image listens, as in `port: 6379`",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  cache: {command: [x], env: A=$HSOT}",
        17,
        "services.cache.env",
        "unknown variable `$HSOT`; did you mean `HOST`?",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  a: {command: [x], env: A=1}\n  b: {command: [x], env: A=1}",
        18,
        "services.b.env",
        "`A` is set by services.a already",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  fra: {command: [x]}",
        17,
        "services.fra",
        "a region's name too",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  load: {command: [x]}",
        17,
        "services.load",
        "a part of the simulator",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  london: {command: [x]}",
        11,
        "locations.london",
        "`london` names the service",
    ),
    (
        "{kind: postgres, region: iad}",
        "{kind: postgres}\n  cache: {command: [x], region: lhr}",
        17,
        "services.cache.region",
        "a region that only has the cache",
    ),
    # who is told of alerts
    ("app: voice", "app: voice\nalerts: [{}]", 2, "alerts[0]", "has neither of `webhook` and"),
    (
        "app: voice",
        "app: voice\nalerts: [{webhook: http://x/, command: [x]}]",
        2,
        "alerts[0]",
        "has both of `webhook` and `command`; give one, and an item for each",
    ),
    ("app: voice", "app: voice\nalerts: [{webhook: x}]", 2, "alerts[0].webhook", "HTTP URL"),
    ("app: voice", "app: voice\nalerts: [{webhok: x}]", 2, "alerts[0].webhok", "`webhook`?"),
    (
        "app: voice",
        "app: voice\nalerts: [{command: [x], on: [machine_dwn]}]",
        2,
        "alerts[0].on[0]",
        "did you mean `machine_down`?",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "field", "says"), MISTAKES)
def test_a_mistake_is_answered_where_it_is(
    tmp_path: Path, old: str, new: str, line: int | None, field: str, says: str
) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    matching = [p for p in found if p.field == field and says in p.message]
    assert matching, [str(p) for p in found]
    assert matching[0].line == line


def test_the_file_without_mistakes_loads(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(GOOD)
    assert load_topology(tmp_path / "t.yaml").app == "voice"


def test_all_problems_of_a_file_come_at_once_in_its_order(tmp_path: Path) -> None:
    text = GOOD.replace("interval: 30s", "intervall: 30s").replace("fra:", "mia:", 1)
    text = text.replace("share: 60", "share: -1").replace("mode: geodns", "mode: dns")
    found = problems(tmp_path, text)
    assert [(p.line, p.field) for p in found] == [
        (5, "gateway.checks[0].intervall"),
        (8, "regions.mia"),
        (10, "locations.new-york.share"),
        (12, "routing.mode"),
        (14, "links[0].between"),
        (19, "policies.residency.eu.regions[0]"),
    ]


def test_a_problem_reads_as_file_line_field_message(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, GOOD.replace("ttl: 30s", "ttl: 30"))
    assert re.fullmatch(r".*/t\.yaml:12: routing\.ttl: found `30` without a unit; .*", str(problem))


@pytest.mark.parametrize(
    "written",
    [
        "secrets: {KEY: hunter2}",
        "secrets: hunter2",
        "secrets: [KEY=hunter2]",
        "env: {PW: [hunter2]}",
        "env: hunter2",
        "env: {PW: {hunter2: 1}}",
    ],
)
def test_no_message_repeats_a_secret(tmp_path: Path, written: str) -> None:
    text = GOOD.replace("[./gateway]", f"[x]\n  {written}")
    text = text.replace("kind: postgres", "url: 'mysql://u:hunter2@h/d'")
    found = problems(tmp_path, text)
    assert len(found) == 2
    assert not any("hunter2" in str(problem) for problem in found)


@pytest.mark.parametrize("written", ["ftp://x/hunter2", "hunter2", "[hunter2]", "http://x:hunter2"])
def test_no_message_repeats_a_webhook(tmp_path: Path, written: str) -> None:
    (problem,) = problems(tmp_path, GOOD + f"alerts: [{{webhook: {written}}}]\n")
    assert problem.field == "alerts[0].webhook"
    assert "hunter2" not in str(problem)


def test_more_places_than_there_are_addresses_for_are_refused() -> None:
    many = {f"place-{i}": {"at": [0, 0]} for i in range(150)}
    data: dict[str, Any] = {
        "app": "x",
        "gateway": {"command": ["x"]},
        "regions": {"iad": {}},
        "locations": many,
    }
    with pytest.raises(
        InputError, match=r"locations: found a mapping; must have at most 149 items"
    ):
        topology_from_mapping(data)
    with pytest.raises(InputError, match=r"regions: found a mapping; must have at most 100 items"):
        topology_from_mapping({**data, "regions": many})


def test_a_topology_without_any_machine_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, GOOD.replace("machines: 1", "machines: 0"))
    assert "write `machines: 1`" in problem.message


KEYS = st.sampled_from(
    [
        "app",
        "gateway",
        "regions",
        "locations",
        "links",
        "services",
        "policies",
        "routing",
        "costs",
        "iad",
        "fra",
        "london",
        "command",
        "checks",
        "at",
        "subnets",
        "between",
        "rtt",
        "database",
        "residency",
        "eu",
        "fly_toml",
        "env",
        "secrets",
        "machines",
        "primary",
        "zz",
        "FLY_X",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["30s", "fra", "london", "81.2.69.0/24", "", "x y", "python", "/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=25,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_data_is_a_topology_or_an_input_error(data: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        topology_from_mapping({**data, "unknown": 1})
    assert all(problem.message for problem in caught.value.problems)


def paths(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    found: list[tuple[str | int, ...]] = []
    for key, value in items:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += paths(value, (*path, key))
    return found


@given(st.data())
def test_a_good_file_with_two_values_replaced_is_a_topology_or_an_input_error(
    data: st.DataObject,
) -> None:
    document = parse_document(GOOD).data
    for _ in range(2):
        *owner, key = data.draw(st.sampled_from(paths(document)))
        place = document
        for part in owner:
            place = place[part]
        place[key] = data.draw(VALUES)
    topology: Topology | None = None
    found: tuple[Problem, ...] = ()
    try:
        topology = topology_from_mapping(document)
    except InputError as error:
        found = error.problems
    assert all(problem.message and problem.field for problem in found)
    assert topology is None or topology_from_mapping(topology.document) == topology
