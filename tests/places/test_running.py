"""A program in a place: which way is taken, and what its environment says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.places import running
from sim.places.proxy_variables import through
from sim.processes import namespace
from sim.trust import bundle, trusting
from tests.places.conftest import CERTIFICATE

REAL = namespace.obstacle()


@pytest.fixture(autouse=True)
def looked_anew():
    """What is possible here is found out once; a test changes it."""
    namespace.obstacle.cache_clear()
    yield
    namespace.obstacle.cache_clear()


def run(spot, command, say=lambda _: None):
    """Run it there, and give its code."""
    argv, environment = running.placed(spot, command, say)
    return subprocess.run(argv, check=False, env=environment).returncode


def shows(what, file):
    """A command that writes what it sees to a file."""
    return (sys.executable, "-c", f"import os; open({str(file)!r}, 'w').write({what})")


def test_proxy_variables_are_in_both_cases_and_nothing_goes_past_them():
    before = {"PATH": "/bin", "no_proxy": "*", "NO_PROXY": "*", "http_proxy": "http://other:1"}
    environment = through("127.44.2.54:8490", before)
    assert environment["PATH"] == "/bin"
    for scheme in ("http", "https", "ws", "wss", "all"):
        name = f"{scheme}_proxy"
        assert environment[name] == environment[name.upper()] == "http://127.44.2.54:8490"
    assert not {"no_proxy", "NO_PROXY"} & set(environment)
    assert environment["NODE_USE_ENV_PROXY"] == "1"


def test_the_world_is_trusted_beside_who_is_trusted_anyway(tmp_path):
    mine = tmp_path / "mine.pem"
    mine.write_text("-----BEGIN CERTIFICATE-----\nmine\n-----END CERTIFICATE-----")
    made = bundle(tmp_path, CERTIFICATE, {"SSL_CERT_FILE": str(mine)})
    assert made.read_text() == f"{mine.read_text()}\n{CERTIFICATE}"
    assert set(trusting(made).values()) == {str(made)}
    assert (
        bundle(tmp_path, CERTIFICATE, {"SSL_CERT_FILE": "/no/such"})
        .read_text()
        .endswith(CERTIFICATE)
    )


def test_a_program_that_is_not_there_is_a_mistake(spot):
    with pytest.raises(InputError, match="no program 'nothing-of-this-name'"):
        run(spot, ("nothing-of-this-name",))


@pytest.mark.skipif(REAL is not None, reason=str(REAL))
def test_where_namespaces_are_allowed_it_has_another_nameserver(spot, tmp_path):
    said: list[str] = []
    seen = tmp_path / "seen"
    before = Path("/etc/resolv.conf").read_text()
    what = "open('/etc/resolv.conf').read() + str((os.getuid(), os.getgid(), os.environ))"
    assert run(spot, shows(what, seen), said.append) == 0
    assert said == ["in london by a nameserver of its own, 127.44.2.53"]
    assert seen.read_text().startswith("nameserver 127.44.2.53\n")
    assert f"({os.getuid()}, {os.getgid()}, " in seen.read_text()
    assert "SSL_CERT_FILE" in seen.read_text()
    assert "'https_proxy': 'http://127.44" not in seen.read_text()
    assert Path("/etc/resolv.conf").read_text() == before


@pytest.mark.skipif(
    REAL is not None or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="takes root, to become somebody else, and user namespaces",
)
def test_without_root_it_is_still_the_user_who_started_it(monkeypatch):
    for name in ("geteuid", "getuid", "getgid"):
        monkeypatch.setattr(os, name, lambda: 65_534)
    another = Path("/etc/hostname")  # a file that anybody may read
    files = {namespace.RESOLV: another}
    argv = namespace.wrapped(files, ("sh", "-c", "id -u; cat /etc/resolv.conf"))
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    done = subprocess.run([*nobody, *argv], check=False, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"65534\n{another.read_text()}", "")


@pytest.mark.parametrize(
    ("nameserver", "unshare", "why"),
    [
        ("127.44.2.53:53", None, "there is no program `unshare`"),
        ("127.44.2.53:53", "echo denied >&2; exit 1", "namespaces are not allowed here (denied)"),
        ("127.44.2.53:10053", "exit 0", "nameservers are at port 10053, where no program asks"),
    ],
)
def test_otherwise_it_goes_through_the_entry(spot, programs, tmp_path, nameserver, unshare, why):
    if unshare:
        programs("unshare", unshare)
    said: list[str] = []
    seen = tmp_path / "seen"
    code = run(
        replace(spot, nameserver=nameserver),
        shows("os.environ['https_proxy'] + os.environ['SSL_CERT_FILE']", seen),
        said.append,
    )
    assert code == 0
    (line,) = said
    assert line.startswith("in london by the proxy variables, through 127.44.2.54:8490: ")
    assert why in line
    assert seen.read_text() == f"http://127.44.2.54:8490{spot.folder}/authorities.pem"


def test_its_code_is_the_answer(spot, programs):
    assert run(spot, (programs("seven", "exit 7"),)) == 7


def test_what_cannot_be_started_is_a_mistake(tmp_path):
    with pytest.raises(InputError, match="cannot be started: Permission denied"):
        running.become([str(tmp_path)], {})
