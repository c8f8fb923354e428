"""The forms of a fly.toml that flyctl takes, older ones too, and what is said of each."""

from pathlib import Path

import pytest

from sim.errors import InputError
from sim.topology.fly_toml import FlyToml, read_fly_toml
from sim.topology.load_topology import load_topology

HTTP = "[http_service]\ninternal_port = 8080\n"


def read(tmp_path: Path, text: str, group: str | None = None) -> FlyToml:
    path = tmp_path / "fly.toml"
    path.write_text(text)
    return read_fly_toml(path, group)


def test_a_byte_order_mark_is_no_part_of_it(tmp_path: Path) -> None:
    assert read(tmp_path, '\ufeffapp = "marked"\n' + HTTP).app == "marked"


def notes(fly: FlyToml) -> list[tuple[int | None, str | None]]:
    return [(note.line, note.field) for note in fly.notes]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ('[env]\nA = 60\nB = true\nC = 0.5\nD = 2.0\nE = "x"\n', ["60", "true", "0.5", "2", "x"]),
        ("[[env]]\nA = 1\nB = 2\n[[env]]\nB = 3\n", ["1", "3"]),
    ],
)
def test_env_becomes_text(tmp_path: Path, env: str, said: list[str]) -> None:
    fly = read(tmp_path, f'app = "x"\n{HTTP}{env}')
    assert list(fly.gateway["env"].values()) == said
    assert fly.notes == ()


ODD = """\
app = "x"
[http_service]
internal_port = 8080
[env]
EXP = 1e21
TINY = 1e-7
INF = -inf
NAN = nan
DATE = 2026-01-02
UTC = 2026-01-02T03:04:05Z
EAST = 2026-01-02T03:04:05+02:00
LOCAL = 2026-01-02T03:04:05
TIME = 07:32:00
LIST = ["a", 1, true]
MAP = {y = [1], x = 2}
FLY_SCALE_TO_ZERO = "1h"
"with-dash" = "y"
"""
GO = {  # as `flyctl config show --local` has them
    "EXP": "1e+21",
    "TINY": "1e-07",
    "INF": "-Inf",
    "NAN": "NaN",
    "DATE": "2026-01-02",
    "UTC": "2026-01-02 03:04:05 +0000 UTC",
    "EAST": "2026-01-02 03:04:05 +0200 +0200",
    "LOCAL": "2026-01-02T03:04:05",
    "TIME": "07:32:00",
    "LIST": "[a 1 true]",
    "MAP": "map[x:2 y:[1]]",
}


def test_odd_values_become_the_text_that_go_makes_of_them(tmp_path: Path) -> None:
    fly = read(tmp_path, ODD)
    assert fly.gateway["env"] == GO
    assert notes(fly) == [(16, "env.FLY_SCALE_TO_ZERO"), (17, "env.with-dash")]


LOUD = """\
APP = "x"
Env = {a = "1", B = "2"}
[HTTP_Service]
Internal_Port = 81
[[HTTP_Service.Checks]]
Path = "/up"
[HTTP_Service.Checks.HEADERS]
X-A = "1"
[Mounts]
Source = "v"
"""


def test_keys_are_taken_in_any_case_but_for_names_of_the_users_own(tmp_path: Path) -> None:
    fly = read(tmp_path, LOUD)
    assert (fly.app, fly.gateway["port"]) == ("x", 81)
    assert fly.gateway["env"] == {"a": "1", "B": "2"}
    assert fly.gateway["checks"] == [{"type": "http", "path": "/up", "headers": {"X-A": "1"}}]
    assert notes(fly) == [(9, "mounts")]


AT_443 = """\
[[services]]
internal_port = 80
[[services.ports]]
port = 443
handlers = ["tls", "http"]
[services.ports.http_options]
"""


@pytest.mark.parametrize("service", [f"{HTTP}[http_service.http_options]\n", AT_443])
def test_an_idle_timeout_of_0_is_named(tmp_path: Path, service: str) -> None:
    fly = read(tmp_path, f'app = "x"\n{service}idle_timeout = 0\n')
    assert "idle_timeout" not in fly.gateway
    assert [note.field for note in fly.notes if "0 means" in note.message] == [
        service.splitlines()[-1].strip("[]") + ".idle_timeout"
    ]
    fly = read(tmp_path, f'app = "x"\n{service}idle_timeout = 600\n')
    assert fly.gateway["idle_timeout"] == "600s"
    assert fly.notes == ()


SERVICE = """\
app = "x"
[[services]]
internal_port = "9000"
concurrency = "12,23"
[[services.ports]]
port = "80"
handlers = ["http"]
[[services.http_checks]]
interval = 10000
grace_period = ""
headers = []
[[services.http_checks.headers]]
"""


def test_ports_and_limits_may_be_text_and_times_empty(tmp_path: Path) -> None:
    text = SERVICE.replace("headers = []\n[[services.http_checks.headers]]\n", "headers = []\n")
    fly = read(tmp_path, text)
    assert fly.gateway["port"] == 9000
    limits = {"type": "requests", "hard_limit": 23, "soft_limit": 12}
    assert fly.gateway["concurrency"] == limits
    assert fly.gateway["checks"] == [{"type": "http", "path": "/", "interval": "10s"}]
    assert fly.notes == ()


@pytest.mark.parametrize(
    "headers",
    [
        "[services.http_checks.headers]\nX-A = 1\n",
        '[[services.http_checks.headers]]\nname = "X-A"\nvalue = "1"\n',
    ],
)
def test_a_check_is_sent_with_its_headers(tmp_path: Path, headers: str) -> None:
    text = 'app = "x"\n[[services]]\n[[services.ports]]\nport = 80\nhandlers = ["http"]\n'
    fly = read(tmp_path, f"{text}[[services.http_checks]]\nmethod = 'head'\n{headers}")
    assert fly.gateway["checks"] == [
        {"type": "http", "path": "/", "method": "HEAD", "headers": {"X-A": "1"}}
    ]
    assert fly.notes == ()


def test_a_services_table_is_a_list_of_one_and_an_empty_service_none(tmp_path: Path) -> None:
    assert read(tmp_path, 'app = "x"\n[services]\ninternal_port = 8686\n').gateway["port"] == 8686
    fly = read(tmp_path, f'app = "x"\n{HTTP}[[services]]\n')
    assert fly.notes == ()


def test_ports_without_a_service_are_one_and_http_service_is_the_public_one(tmp_path: Path) -> None:
    text = f'app = "x"\n{HTTP}[[services.ports]]\nport = 443\nhandlers = ["tls", "http"]\n'
    fly = read(tmp_path, text)
    assert fly.gateway["port"] == 8080
    assert notes(fly) == [(4, "services")]


SEVERAL = """\
app = "x"
[processes]
indexer = "./indexer"
web = "./web"
[[services]]
processes = ["indexer"]
internal_port = 1
[[services.ports]]
handlers = ["http"]
port = 8081
[[services]]
processes = ["web"]
internal_port = 2
[[services.ports]]
port = 80
handlers = ["http"]
[[services]]
processes = ["web"]
internal_port = 3
[[services.ports]]
start_port = 440
end_port = 450
handlers = ["tls", "http"]
[[restart]]
policy = "always"
[[vm]]
size = "shared-cpu-1x"
[[vm]]
size = "shared-cpu-2x"
processes = ["web"]
"""


def test_the_public_service_is_the_one_at_443_with_http(tmp_path: Path) -> None:
    fly = read(tmp_path, SEVERAL)
    assert (fly.group, fly.gateway["port"], fly.gateway["command"]) == ("web", 3, ["./web"])
    assert fly.gateway["size"] == "shared-cpu-2x"
    # A section without `processes` is about the first group by the alphabet.
    assert fly.gateway["restart"] == "on-failure"
    assert notes(fly) == [
        (2, "processes"),
        (5, "services"),
        (11, "services"),
        (21, "services.ports.start_port"),
    ]


def test_another_group_can_be_chosen_beside_the_file(tmp_path: Path) -> None:
    fly = read(tmp_path, SEVERAL, "indexer")
    assert (fly.group, fly.gateway["port"]) == ("indexer", 1)
    assert (fly.gateway["size"], fly.gateway["restart"]) == ("shared-cpu-1x", "always")
    path = tmp_path / "t.yaml"
    path.write_text("fly_toml: fly.toml\ngroup: indexer\nregions: {iad: }\nlocations: {london: }\n")
    topology = load_topology(path)
    assert (topology.group, topology.gateway.port) == ("indexer", 1)
    path.write_text("fly_toml: fly.toml\ngroup: wep\nregions: {iad: }\nlocations: {london: }\n")
    with pytest.raises(InputError, match=r"t.yaml:2: group: .*`wep`; did you mean"):
        load_topology(path)


OTHERS = """\
app = "x"
[processes]
web = "./web"
db = "./db"
[http_service]
processes = ["web"]
[mounts]
processes = ["db"]
[[files]]
processes = ["db"]
[[files]]
processes = ["web"]
[metrics]
processes = ["dbb"]
[checks.alive]
type = "tcp"
processes = ["db"]
"""


def test_what_is_of_another_group_is_not_missed(tmp_path: Path) -> None:
    fly = read(tmp_path, OTHERS)
    assert notes(fly) == [(2, "processes"), (11, "files"), (14, "metrics.processes")]
    fly = read(tmp_path, OTHERS, "db")
    missed = ["mounts", "files", "metrics.processes", "checks"]
    assert [field for _, field in notes(fly)][-4:] == missed


@pytest.mark.parametrize("size", ["a10", "l40s", "a100-40gb"])
def test_gpus_are_told_of(tmp_path: Path, size: str) -> None:
    fly = read(tmp_path, f'app = "x"\n{HTTP}[[vm]]\nsize = "{size}"\n')
    assert notes(fly) == [(5, "vm.size")]


def test_a_key_that_is_nearly_right_is_suggested(tmp_path: Path) -> None:
    fly = read(tmp_path, 'app = "x"\n[http_service]\ninternal_prt = 80\nwhatever = 1\n')
    assert [note.message for note in fly.notes] == [
        "is not simulated; did you mean `internal_port`?",
        "is not simulated",
    ]


def test_udp_is_not_what_clients_reach(tmp_path: Path) -> None:
    udp = '[[services]]\ninternal_port = 1\nprotocol = "udp"\n[[services.ports]]\nport = 443\n'
    tcp = '[[services]]\ninternal_port = 2\n[[services.ports]]\nport = 443\nhandlers = ["http"]\n'
    fly = read(tmp_path, f'app = "x"\n{udp}{tcp}')
    assert fly.gateway["port"] == 2
    assert notes(fly) == [(2, "services")]


@pytest.mark.parametrize(
    ("processes", "group", "command"),
    [
        ("processes = []", "app", None),
        ('processes = ["web"]', "app", None),
        ('[[processes]]\nname = "w"\ncommand = "./w"\n', "w", ["./w"]),
        ('[processes]\nb = "./b"\napp = ""\n', "app", None),
        ('[processes]\nb = "./b"\na = "./a"\n', "a", ["./a"]),
    ],
)
def test_process_groups_have_an_older_form(
    tmp_path: Path, processes: str, group: str, command: list[str] | None
) -> None:
    fly = read(tmp_path, f"app = 'x'\n{processes}\n{HTTP}")
    assert (fly.group, fly.gateway.get("command")) == (group, command)
    wanted = [note for note in fly.notes if "flyctl deploys no service" in note.message]
    assert bool(wanted) == (not processes.startswith("processes ="))


@pytest.mark.parametrize("name", ["mount", "mounts", "metric", "metrics"])
def test_older_names_of_sections_are_known(tmp_path: Path, name: str) -> None:
    fly = read(tmp_path, f'app = "x"\n{HTTP}[{name}]\nport = 1\n')
    assert notes(fly) == [(4, name)]


@pytest.mark.parametrize("name", ["vm", "compute", "computes"])
def test_a_size_has_older_names_and_memory_many_spellings(tmp_path: Path, name: str) -> None:
    for memory, mib in (("512", 512), ('"1gb"', 1024), ('"1.5 GB"', 1536), ('"256m"', 256)):
        fly = read(tmp_path, f'app = "x"\n{HTTP}[{name}]\nmemory = {memory}\n')
        assert fly.gateway["memory"] == f"{mib}MiB"
        assert fly.notes == ()


def test_experimental_says_a_command_and_a_kill_timeout(tmp_path: Path) -> None:
    text = (
        f'app = "x"\n{HTTP}[experimental]\ncmd = ["b", "c"]\nentrypoint = "a"\nkill_timeout = 3\n'
    )
    fly = read(tmp_path, text)
    assert (fly.gateway["command"], fly.gateway["kill_timeout"]) == (["a", "b", "c"], "3s")
    assert fly.notes == ()


def test_a_closed_region_leads_to_the_nearest_open_one(tmp_path: Path) -> None:
    fly = read(tmp_path, f'app = "x"\nprimary_region = "den"\n{HTTP}')
    assert fly.primary_region == "dfw"
    assert notes(fly) == [(2, "primary_region")]
    assert "Denver" in fly.notes[0].message


def test_a_service_checks_times_have_flyctls_bounds(tmp_path: Path) -> None:
    check = '[[http_service.checks]]\ninterval = "90s"\ntimeout = "500ms"\ngrace_period = "0s"\n'
    fly = read(tmp_path, f'app = "x"\n{HTTP}{check}')
    assert fly.gateway["checks"] == [
        {"type": "http", "path": "/", "interval": "1m", "timeout": "1s", "grace_period": "0s"}
    ]
    assert notes(fly) == [(5, "http_service.checks.interval"), (6, "http_service.checks.timeout")]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[[services]]\nconcurrency = 20\n", 3, "must be a table"),
        ('[[services]]\nconcurrency = "many"\n', 3, "such as `20,25`"),
        ('[checks.alive]\ntype = "tcp"\ninterval = "1s"\n', 4, "write `2s` or more"),
        ('[checks.alive]\ntype = "tcp"\ntimeout = "2m"\n', 4, "write `60s` or less"),
        ('[checks.alive]\ntype = "script"\n', 3, "`http` or `tcp`"),
        ('kill_signal = "SIGFOO"\n', 2, "allowed: `SIGINT`"),
        ('kill_signal = "TERM"\n', 2, "did you mean `SIGTERM`"),
        ("[build.args]\nSHA = 12\n", 3, "must be text"),
        ("[http_service.checks]\n", 2, "must be an array of tables"),
        ('[restart]\npolicy = "always"\n', 2, "must be an array of tables"),
        ('[http_service]\nprocesses = "app"\n', 3, "must be a list of texts"),
        ('[http_service]\nprocesses = ["wbe"]\n[processes]\nweb = "x"\n', 3, "did you mean `web`"),
        ('[deploy]\nstrategy = "rollling"\n', 3, "did you mean `rolling`"),
        ('[http_service]\nauto_stop_machines = "pause"\n', 3, "`suspend`"),
        ('[[restart]]\npolicy = "no"\n', 3, "`never`"),
    ],
)
def test_what_flyctl_refuses_is_an_error(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, f'app = "x"\n{text}')
    (problem,) = caught.value.problems
    assert problem.line == line
    assert says in problem.message


def test_bluegreen_wants_checks_of_a_service(tmp_path: Path) -> None:
    deploy = '[deploy]\nstrategy = "bluegreen"\n'
    assert notes(read(tmp_path, f'app = "x"\n{HTTP}{deploy}')) == [(5, "deploy.strategy")]
    checked = f'app = "x"\n{HTTP}[[http_service.checks]]\npath = "/"\n{deploy}'
    assert read(tmp_path, checked).notes == ()


def test_no_canary_is_deployed_of_an_app_with_mounts(tmp_path: Path) -> None:
    text = f'app = "x"\n{HTTP}[deploy]\nstrategy = "canary"\n[mounts]\nsource = "v"\n'
    assert notes(read(tmp_path, text)) == [(5, "deploy.strategy"), (6, "mounts")]


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("services", "checks", '[{path = "/"}]'),
        ("services", "force_https", "true"),
        ("services", "http_options", "{idle_timeout = 5}"),
        ("http_service", "http_checks", '[{path = "/"}]'),
        ("http_service", "tcp_checks", "[{}]"),
        ("http_service", "ports", "[{port = 443, force_https = true}]"),
        ("http_service", "protocol", '"udp"'),
    ],
)
def test_what_only_the_other_kind_of_service_has_is_passed_over_as_flyctl_does(
    tmp_path: Path, section: str, key: str, value: str
) -> None:
    header = "[http_service]\ninternal_port = 80\n"
    ports = '[[services.ports]]\nport = 443\nhandlers = ["http"]\n'
    if section == "services":
        header = header.replace("[http_service]", "[[services]]")
    text = f'app = "x"\n{header}{key} = {value}\n{ports if section == "services" else ""}'
    fly = read(tmp_path, text)
    assert not fly.gateway.keys() & {"force_https", "idle_timeout"}
    assert [check["type"] for check in fly.gateway["checks"]] == ["tcp"]  # as without any
    assert notes(fly) == [(4, f"{section}.{key}")]
    assert "is not simulated" in fly.notes[0].message


LINES = '''\
app = "x"
[env]
TEXT = """
[[services]]
port = 1
"""   # [vm]
LIST = [
  [1],
]
[[services]]
[[services.ports]]
port = 443
handlers = ["http"]
[[services]]
[[services.ports]]
port = 25
[[services.ports]]
port = 26
[http_service]
"h2_backend" = true
'''


def test_a_note_has_the_line_of_the_very_table_it_is_about(tmp_path: Path) -> None:
    text = LINES.replace('[http_service]\n"h2_backend" = true\n', "[metrics]\n'port' = 1\n")
    fly = read(tmp_path, text)
    assert notes(fly) == [(14, "services"), (19, "metrics")]
    assert fly.gateway["env"]["LIST"] == "[[1]]"
    assert notes(read(tmp_path, LINES)) == [
        (10, "services"),
        (14, "services"),
        (20, "http_service.h2_backend"),
    ]
