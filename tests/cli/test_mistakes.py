"""A newcomer's mistakes, one row each: what is wrong, where, and what to write instead. Exit 2.

In topology, scenario, driver and on the command line; no world is brought up for any of them.
"""

from __future__ import annotations

import pytest

from sim.cli import main

TOPOLOGY = """\
app: mine
gateway:
  command: [node, server.js]
  port: 8080
  checks:
    - {type: http, path: /healthz, interval: 30s, timeout: 5s}
regions:
  iad: {machines: 1, primary: true}
  fra: {machines: 1}
locations:
  new-york: {share: 60}
  london: {share: 40}
routing: {mode: geodns, ttl: 30s}
"""
SCENARIO = """\
name: fra crashes
topology: topology.yaml
load: {driver: driver.yaml, clients: 20, every: 1s}
timeline:
  - {at: 20s, fault: crash, region: fra}
  - {at: 40s, fault: slow, link: [london, iad], latency: 100ms}
duration: 130s
expect:
  - {check: outage, location: london, max: 75s}
  - {check: errors, max: 5%}
"""
DRIVER = """\
websocket: /live
send: {type: say, id: "{seq}"}
ack: {match: {type: said}, sequence: $.id}
"""

IN_TOPOLOGY = [
    ("gateway:", "gatway:", "did you mean `gateway`"),
    ("command: [node, server.js]", "command: node server.js", "write `[node, server.js]`"),
    ("command: [node, server.js]", "comand: [node, server.js]", "did you mean `command`"),
    ("port: 8080", 'port: "8080"', "write 8080 without quotes"),
    ("port: 8080", "port: 80800", "65535"),
    ("port: 8080", "port: none", "port"),
    ("type: http", "type: https", "`http`"),
    ("path: /healthz", "path: healthz", "/healthz"),
    ("interval: 30s", "interval: 30", "30s"),
    ("interval: 30s", "interval: 30 seconds", "the units are ms, s, m, h"),
    ("timeout: 5s", "timeout: -5s", "timeout"),
    ("fra: {machines: 1}", "fra: {machines: one}", "whole number"),
    ("fra: {machines: 1}", "fra: {machines: -1}", "machines"),
    ("fra: {machines: 1}", "frankfurt: {machines: 1}", "frankfurt"),
    ("fra: {machines: 1}", "fra: {machines: 1, primary: true}", "primary"),
    ("primary: true", "primary: yes please", "primary"),
    ("london: {share: 40}", "lodnon: {share: 40}", "did you mean `london`"),
    ("share: 40", "share: forty", "share"),
    ("mode: geodns", "mode: geo-dns", "did you mean `geodns`"),
    ("ttl: 30s", "ttl: 30", "30s"),
    ("routing:", "links: [{between: [london, fra], rtt: 100}]\nrouting:", "100ms"),
    ("routing:", "links: [{between: [london, lhr], rtt: 9ms}]\nrouting:", "lhr"),
    ("routing:", "services: {database: {kind: mysql}}\nrouting:", "postgres"),
    ("routing: {mode: geodns, ttl: 30s}", "routing: {mode: geodns, ttl: 30s", "topology.yaml:"),
    ("  port: 8080", "\tport: 8080", "topology.yaml:"),
    (TOPOLOGY, "", "`sim init` writes a topology"),
]
IN_SCENARIO = [
    ("topology: topology.yaml", "topology: topolgy.yaml", "topolgy.yaml"),
    ("load:", "laod:", "did you mean `load`"),
    ("driver: driver.yaml", "driver: drvier.yaml", "drvier.yaml"),
    ("driver: driver.yaml", "driver: htpp", "did you mean `http`"),
    ("driver: driver.yaml", "driver: nowhere.to:Be", "nowhere"),
    ("clients: 20", "clients: none", "whole number"),
    ("clients: 20", "clients: 0", "clients"),
    ("every: 1s", "every: 1", "1s"),
    ("every: 1s", "evry: 1s", "did you mean `every`"),
    ("timeline:", "timline:", "did you mean `timeline`"),
    ("fault: crash", "fault: crashed", "did you mean `crash`"),
    ("fault: crash", "fault: kill", "kill"),
    ("region: fra}", "region: lhr}", "lhr"),
    ("region: fra}", "machine: fra/2}", "fra/2"),
    (", region: fra}", "}", "region"),
    ("at: 20s", "at: 20", "20s"),
    ("at: 20s, ", "", "at"),
    ("at: 20s", "at: 200s", "130"),
    ("latency: 100ms", "latency: 100", "100ms"),
    (", latency: 100ms", "", "latency"),
    ("link: [london, iad]", "link: london-iad", "link"),
    ("link: [london, iad]", "link: [london, paris]", "paris"),
    ("duration: 130s", "duration: two minutes", "duration"),
    ("duration: 130s\n", "", "duration"),
    ("check: outage", "check: outages", "did you mean `outage`"),
    ("location: london", "location: paris", "paris"),
    ("max: 75s", "max: 75", "75s"),
    ("max: 75s", "maximum: 75s", "max"),
    ("max: 5%", "max: 150%", "between 0% and 100%"),
    (", max: 5%", "", "max"),
]
IN_DRIVER = [
    ("websocket:", "webscoket:", "did you mean `websocket`"),
    ("websocket: /live", "websocket: live", "write a path"),
    ("websocket: /live", "websocket: /live?token={tokn}", "tokn"),
    ("ack:", "acked:", "did you mean `ack`"),
    ("sequence: $.id", "sequnce: $.id", "did you mean `sequence`"),
    ("sequence: $.id", "sequence: id", "$"),
    ('send: {type: say, id: "{seq}"}\n', "", "send"),
    ("{seq}", "{sequence}", "sequence"),
    (DRIVER, "", "driver.yaml"),
]
ON_THE_COMMAND_LINE = [
    (["rnu", "scenario.yaml"], "rnu"),
    (["run"], "SCENARIO"),
    (["run", "scenario.yaml", "--speed", "fast"], "auto"),
    (["run", "scenario.yaml", "--speed", "0"], "0.1"),
    (["run", "scenario.yaml", "--runtime", "podman"], "docker"),
    (["run", "scenario.yaml", "--seed", "-1"], "--seed"),
    (["run", "scenario.yaml", "--json", "no/where.json"], "no folder"),
    (["run", "scenario.yaml", "--set", "routing.ttl"], "write `routing.ttl=VALUE`"),
    (["run", "scenario.yaml", "--set", "routing.tll=5s"], "did you mean"),
    (["run", "scenario.yaml", "--secrets", "secrets.env"], "secrets.env"),
    (["run", "topology.yaml"], "topology"),
    (["up", "scenario.yaml"], "scenario"),
    (["report", "scenario.yaml"], "journal"),
    (["schema", "topologie"], "topology"),
    (["init", "--output", "topology.yaml"], "topology.yaml"),
    (["status", "--world"], "--world"),
    (["down", "nobody"], "no world"),
    (["links"], "no world is up"),
    (["fault", "crash", "--region", "fra"], "no world is up"),
    (["fault", "crahs", "--region", "fra"], "unknown fault `crahs`; did you mean `crash`?"),
    (["fault", "latency", "--latency", "200ms"], "unknown fault `latency`; allowed: "),
    (["fault", "slow", "--region", "fra", "--latency", "200"], "write `200ms`"),
    (["fault", "slow", "--region", "fra", "--set", "latncy=2s"], "did you mean `latency`"),
    (["fault", "crash"], "`crash` has no target"),
    (["dig", "mine.fly.dev"], "no world is up"),
    (["dig", "mine.fly.dev", "AAAAA"], "no DNS type 'AAAAA'"),
    (["scale", "count", "many"], "found 'many'"),
    (["scale", "count"], "N"),
]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """A command in a folder with these three files; what it said on stderr, and its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIM_HOME", str(tmp_path / "home"))

    def command(*words, **changed):
        texts = {"topology": TOPOLOGY, "scenario": SCENARIO, "driver": DRIVER, **changed}
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        monkeypatch.setattr("sys.argv", ["sim", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, capsys.readouterr().err

    return command


def test_without_a_mistake_the_files_are_fine(command):
    files = ("topology.yaml", "scenario.yaml", "driver.yaml")
    assert command("validate", *files) == (0, "")


@pytest.mark.parametrize(
    ("file", "written", "instead", "said"),
    [
        (file, *row)
        for file, rows in (
            ("topology", IN_TOPOLOGY),
            ("scenario", IN_SCENARIO),
            ("driver", IN_DRIVER),
        )
        for row in rows
    ],
)
def test_a_file(command, file, written, instead, said):
    text = {"topology": TOPOLOGY, "scenario": SCENARIO, "driver": DRIVER}[file]
    assert written in text
    code, err = command("validate", f"{file}.yaml", **{file: text.replace(written, instead, 1)})
    assert code == 2, err
    assert "Traceback" not in err
    assert f"{file}.yaml" in err  # where
    assert said in err


@pytest.mark.parametrize(("words", "said"), ON_THE_COMMAND_LINE)
def test_a_command(command, words, said):
    code, err = command(*words)
    assert code == 2, err
    assert "Traceback" not in err
    assert said in err
