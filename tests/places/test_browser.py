"""A browser in a place: which one, how it is started, and what is left of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.errors import EnvironmentLacksError, InputError
from sim.places.browser import find, open_at

URL = "https://demo.fly.dev/"


@pytest.fixture
def pretender(programs, tmp_path):
    """A browser that writes down how it was started, and what is in its profile."""
    seen = tmp_path / "seen.json"
    look = (
        "import json, pathlib, sys;"
        "folder = next(a for a in sys.argv if 'sim-browser-' in a).rpartition('=')[2];"
        "files = {p.name: p.read_text() for p in pathlib.Path(folder).iterdir()};"
        f"open({str(seen)!r}, 'w').write(json.dumps([sys.argv[1:], folder, files]))"
    )

    def make(name, after="exit 0"):
        programs(name, f'{sys.executable} -c "{look}" "$@"\n{after}')
        return find(None)

    return make, lambda: json.loads(seen.read_text())


def test_the_first_that_there_is_is_taken_or_the_one_asked_for(programs):
    firefox, chrome = programs("firefox"), programs("google-chrome")
    assert (find(None).program, find(None).is_firefox) == (chrome, False)
    assert (find("firefox").program, find(firefox).is_firefox) == (firefox, True)


def test_without_one_the_message_has_the_remedy(programs):
    with pytest.raises(EnvironmentLacksError) as caught:
        find(None)
    assert "there is no browser here: looked in PATH for chromium, " in str(caught.value)
    assert "apt-get install chromium" in caught.value.remedy
    with pytest.raises(InputError, match="no browser 'netscape'"):
        find("netscape")


def test_a_chromium_is_there_by_its_proxy_and_trusts_the_edges_key(spot, pretender):
    make, seen = pretender
    said: list[str] = []
    assert open_at(make("chromium"), spot, URL, "a2V5", said.append) == 0
    arguments, folder, _ = seen()
    assert arguments[-1] == URL
    assert "--proxy-server=http://127.44.2.54:8490" in arguments
    assert "--proxy-bypass-list=<-loopback>" in arguments
    assert "--ignore-certificate-errors-spki-list=a2V5" in arguments
    assert ("--no-sandbox" in arguments) == (os.geteuid() == 0)
    assert "in london, through 127.44.2.54:8490" in said[0]
    assert not Path(folder).exists()


def test_a_firefox_has_it_all_in_its_profile(spot, pretender):
    make, seen = pretender
    said: list[str] = []
    assert open_at(make("firefox"), spot, URL, "a2V5", said.append) == 0
    arguments, folder, files = seen()
    assert arguments == ["--no-remote", "--profile", folder, URL]
    assert 'user_pref("network.proxy.ssl", "127.44.2.54");' in files["user.js"]
    assert 'user_pref("network.proxy.http_port", 8490);' in files["user.js"]
    assert 'user_pref("network.proxy.allow_hijacking_localhost", true);' in files["user.js"]
    assert "Firefox will warn of the certificate" in said[0]
    assert not Path(folder).exists()


def test_a_firefox_trusts_the_world_where_certutil_is_there(spot, programs, pretender):
    make, seen = pretender
    programs("certutil", 'echo "$*" >> "${0%/*}/asked"')
    said: list[str] = []
    open_at(make("firefox"), spot, URL, "a2V5", said.append)
    _, folder, files = seen()
    asked = (Path(os.environ["PATH"]) / "asked").read_text().splitlines()
    assert asked[0] == f"-N -d sql:{folder} --empty-password"
    assert f"-t C,, -i {folder}/authority.pem" in asked[1]
    assert files["authority.pem"] == spot.certificate
    assert len(said) == 1


def test_one_that_does_not_start_says_why(spot, pretender, monkeypatch):
    make, seen = pretender
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(EnvironmentLacksError) as caught:
        open_at(make("chromium", "echo no X server >&2; exit 3"), spot, URL, "", print)
    assert "chromium ended with code 3\n  no X server" in caught.value.lack
    assert "DISPLAY" in caught.value.remedy
    _, folder, _ = seen()
    assert not Path(folder).exists()


def test_it_ends_with_the_program_that_opened_it(spot, programs, tmp_path):
    """SIGTERM to `sim open` ends the browser, and its profile is removed."""
    pid = tmp_path / "pid"
    os.mkfifo(pid)
    programs("chromium", f'echo "$$ $*" > {pid}; exec {shutil.which("sleep", path="/bin")} 600')
    script = """
from sim.cli.running import Terminated, terminated_by_sigterm
from sim.places.browser import find, open_at
from sim.places.running import Spot
from pathlib import Path
try:
    with terminated_by_sigterm():
        open_at(find(None), Spot("london", "", "127.44.2.54:8490", "", Path()), "", "", print)
except Terminated as ended:
    raise SystemExit(ended.exit_code)
"""
    opener = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL)
    browser, arguments = pid.read_text().split(maxsplit=1)
    (profile,) = map(Path, re.findall(r"--user-data-dir=(\S+)", arguments))
    assert profile.is_dir()
    opener.terminate()
    assert opener.wait(20) == 143
    assert not profile.exists()
    assert not Path(f"/proc/{browser}").exists()
