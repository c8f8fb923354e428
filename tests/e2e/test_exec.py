"""`sim exec` and `sim open`: programs in a place; `sim doctor`: what the machine has for worlds."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.request

import pytest

from tests.e2e.conftest import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]

HOST = "atlas-voice-v2.fly.dev"
ASK = f"""
import socket, urllib.request
print(socket.gethostbyname("{HOST}"))
answer = urllib.request.urlopen("http://{HOST}:8480/healthz")
print(answer.status, answer.headers.get("X-Sim-Region") or answer.headers.get("Sim-Region"))
"""


@pytest.fixture
def up(sim, topologies):
    done = sim("up", topologies / "atlas-voice.yaml", "--detach", "--seed", "7", "--speed", "10")
    assert done.returncode == 0, done.stderr
    yield sim
    sim("down", "--all")


SECURELY = f"""
import urllib.request
for url in ("https://{HOST}/healthz", "http://{HOST}/healthz", "https://{HOST}:8480/healthz"):
    answer = urllib.request.urlopen(url)
    print(answer.status, answer.headers["Sim-Region"])
"""


@pytest.fixture
def without_unshare(up, tmp_path):
    """A PATH on which no namespaces can be made."""
    up.environment["PATH"] = str(tmp_path)
    (tmp_path / "python3").symlink_to(sys.executable)
    if curl := shutil.which("curl"):
        (tmp_path / "curl").symlink_to(curl)
    return up


def test_without_namespaces_a_program_goes_through_the_entry(without_unshare):
    """At the ports of the field, and trusting the edges' certificate; no privilege is used."""
    for place, region in (("london", "fra"), ("new-york", "iad")):
        done = without_unshare("exec", "--from", place, "--", sys.executable, "-c", SECURELY)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [f"200 {region}"] * 3
        assert done.stderr.startswith(f"in {place} by the proxy variables, through 127.")


@pytest.mark.skipif(not shutil.which("curl"), reason="takes curl")
def test_curl_is_told_in_so_many_words_what_is_outside(without_unshare):
    curl = ("exec", "--from", "london", "--", "curl", "-sS")
    done = without_unshare(
        *curl, f"https://{HOST}/healthz", "-o", "/dev/null", "-w", "%{http_code}"
    )
    assert (done.returncode, done.stdout) == (0, "200"), done.stderr
    done = without_unshare(*curl, "http://example.com/")
    assert f"example.com is not in this world: from london you reach {HOST}" in done.stdout
    done = without_unshare(*curl, "https://example.com/")
    assert done.returncode != 0
    assert "403" in done.stderr


def test_the_authority_is_printed_for_whoever_is_to_trust_it(up, tmp_path):
    done = up("ca")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("-----BEGIN CERTIFICATE-----\n")
    assert up("ca").stdout == done.stdout
    entries = {row["location"]: row["entry"] for row in up.json("status")[0]["locations"]}
    context = ssl.create_default_context(cadata=done.stdout)
    through = urllib.request.ProxyHandler({"https": f"http://{entries['london']}"})
    trusting = urllib.request.HTTPSHandler(context=context)
    opener = urllib.request.build_opener(through, trusting)
    with opener.open(f"https://{HOST}/healthz") as answer:
        assert answer.headers["Sim-Region"] == "fra"


@pytest.mark.skipif(not shutil.which("curl"), reason="takes curl")
def test_what_the_page_shows_works(up, tmp_path):
    """Each line of the shell's examples, in a world whose slot is the one it got."""
    page = (ROOT / "docs" / "vantage.md").read_text()
    lines = "".join(re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)).splitlines()
    slot = up.json("status")[0]["locations"][0]["nameserver"].split(".")[1]
    assert len(lines) == 6
    for line in lines:
        said = line.replace("127.44.", f"127.{slot}.").replace("curl ", "curl -sSf ")
        command = re.sub(r"^sim ", f"{sys.executable} -m sim ", said)
        done = subprocess.run(
            ["sh", "-c", command],
            env=up.environment,
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (line, done.stderr)


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="takes root and unshare"
)
def test_a_program_is_where_it_is_said_to_be(up):
    """The same name leads to another address from another place, and through its link."""
    answers = {}
    for place in ("new-york", "london"):
        done = up("exec", "--from", place, "--", sys.executable, "-c", ASK)
        assert done.returncode == 0, done.stderr
        address, status = done.stdout.splitlines()
        answers[place] = address
        assert status.startswith("200")
    slot = answers["london"].split(".")[1]
    assert answers == {"new-york": f"127.{slot}.1.100", "london": f"127.{slot}.2.101"}


def test_the_programs_code_is_the_commands(up):
    if os.geteuid() != 0:
        pytest.skip("takes root")
    done = up("exec", "--from", "london", "--", "sh", "-c", "exit 7")
    assert done.returncode == 7


def test_an_unknown_place_is_a_mistake(up):
    done = up("exec", "--from", "paris", "--", "true")
    assert done.returncode == 2
    assert "london" in done.stderr


def test_the_doctor_says_what_is_there(sim, engine, tmp_path):
    sim.environment["DOCKER_HOST"] = engine
    rows = {row["what"]: row for row in sim.json("doctor")}
    assert rows["loopback addresses"]["state"] == "ok"
    assert rows["Docker"]["state"] == "ok"
    assert "engine" in rows["Docker"]["found"]

    sim.environment["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    sim.environment["SIM_TOXIPROXY"] = "/nowhere/toxiproxy-server"
    done = sim("doctor")
    assert done.returncode == 3
    assert "no Docker engine answers" in done.stdout
    assert "neither a program nor an http URL" in done.stdout
