"""A machine asks its region's nameserver for its siblings."""

from __future__ import annotations

import json

import pytest
import yaml

from sim.processes import namespace

pytestmark = pytest.mark.e2e

# A gateway that answers its checks only while a file is there, and says what its environment has.
GATEWAY = """
import http.server, os, pathlib
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = 200 if pathlib.Path(os.environ["WELL"]).exists() else 503
        self.send_response(code); self.end_headers()
        self.wfile.write(os.environ["SIM_NAMESERVER"].encode())
where = os.environ["HOST"], int(os.environ["PORT"])
http.server.ThreadingHTTPServer(where, Answer).serve_forever()
"""


def test_machines_find_each_other_by_state_and_not_by_health(sim, tmp_path):
    (tmp_path / "gateway.py").write_text(GATEWAY)
    well = tmp_path / "well"
    well.touch()
    topology = {
        "app": "atlas",
        "gateway": {
            "command": ["python", "gateway.py"],
            "env": {"WELL": str(well)},
            "checks": [{"type": "http", "path": "/", "interval": "1s", "grace_period": "1s"}],
        },
        "regions": {"iad": {"primary": True}, "fra": {"machines": 2}},
        "locations": {"london": {}},
    }
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump(topology))
    assert sim("up", path, "--detach", "--seed", "7").returncode == 0
    addresses = {m["place"]: m["ip_address"] for m in sim.json("machine", "list")}

    def found(name, place="fra"):
        text = sim("dig", "--from", place, name).stdout
        return {a for a in addresses.values() if f" {a}\n" in text + "\n"}

    assert found("atlas.internal") == set(addresses.values())
    assert found("top1.nearest.of.atlas.internal", "iad") == {addresses["iad/1"]}
    # One that fails its checks stays in it; one that is stopped does not.
    well.unlink()
    while {row["status"] for row in sim.json("checks")} != {"critical"}:
        pass
    assert found("atlas.internal") == set(addresses.values())
    assert sim("machine", "stop", "fra/2").returncode == 0
    assert found("fra.atlas.internal") == {addresses["fra/1"]}
    # And whatever else a machine asks for is answered as to anybody.
    assert "127." in sim("dig", "--from", "fra", "atlas.fly.dev").stdout
    (world,) = sim.json("status")
    assert {row["region"] for row in world["regions"]} == {"iad", "fra"}


# A gateway that looks its peers up as it is asked, by the types in LOOKUPS: by its own resolver
# where machines have names of their own. It is well if it could connect to itself at every address
# that it was given, over IPv6.
PEERS = """
import http.server, os, socket
from dnslib import DNSRecord
host, port = os.environ["SIM_NAMESERVER"].split(":")
own = int(os.environ["PORT"])
families = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}
def resolved(name, kind):
    try:
        found = socket.getaddrinfo(name, own, families[kind], socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return [address[0] for *_, address in found]
def look(kind):
    if os.environ["NAMED"] and port == "53":
        return resolved("atlas.internal", kind)
    asked = DNSRecord.question("atlas.internal", kind).send(host, int(port))
    records = DNSRecord.parse(asked).rr
    return [socket.inet_ntop(socket.AF_INET6, bytes(r.rdata.data)) for r in records]
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = [address for kind in os.environ["LOOKUPS"].split() for address in look(kind)]
        if os.environ["NAMED"]:
            found += [a for a in resolved("fly-local-6pn", "AAAA") if a not in found]
        for address in found:
            socket.create_connection((address, own)).close()
        expected = "AAAA" in os.environ["LOOKUPS"] or os.environ["NAMED"]
        well = found == ([os.environ["FLY_PRIVATE_IP"]] if expected else [])
        self.send_response(200 if well else 500)
        self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer((os.environ["HOST"], own), Answer).serve_forever()
"""


@pytest.mark.parametrize(
    ("lookups", "told"), [("", False), ("AAAA", False), ("A", True), ("A AAAA", False)], ids=str
)
def test_a_machine_that_asks_for_ipv4_peers_alone_is_told_of(sim, tmp_path, lookups, told):
    (tmp_path / "gateway.py").write_text(PEERS)
    topology = {
        "app": "atlas",
        "gateway": {
            "command": ["python", "gateway.py"],
            "env": {"LOOKUPS": lookups, "NAMED": "" if namespace.obstacle() else "yes"},
            "checks": [{"type": "http", "path": "/", "interval": "1s"}],
        },
        "regions": {"iad": {}},
        "locations": {"london": {}},
    }
    scenario = {
        "name": "peers",
        "topology": "topology.yaml",
        "load": {"driver": "http", "clients": 1, "every": "1s"},
        "duration": "3s",
        "expect": [{"check": "errors", "location": "london", "max": "0%"}],
    }
    (tmp_path / "topology.yaml").write_text(yaml.safe_dump(topology))
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    done = sim("run", tmp_path / "scenario.yaml", "--json", tmp_path / "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert any("A record of atlas.internal" in note for note in report["notes"]) == told
