"""A browser in a location: its proxy setting is the location's entry, its profile is a fresh one.

It trusts the edges' certificate: a Chromium by the hash of its key, a Firefox by the world's
authority in its profile, where NSS's `certutil` is there to put it in.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sim.errors import EnvironmentLacksError, InputError
from sim.places.running import Spot

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "firefox",
    "firefox-esr",
)
_LINES_SHOWN = 6
_GOODBYE_REAL_S = 5.0


@dataclass(frozen=True)
class Browser:
    """A program that is a browser, and of which family."""

    program: str
    is_firefox: bool


def find(asked: str | None) -> Browser:
    """The browser that is asked for by name or path, or the first that there is.

    Raises EnvironmentLacksError, InputError.
    """
    for name in (asked,) if asked else NAMES:
        if program := shutil.which(name):
            return Browser(program, "firefox" in Path(program).name)
    if asked:
        raise InputError(f"no browser {asked!r}: looked for it in PATH; known: {', '.join(NAMES)}")
    raise EnvironmentLacksError(
        "there is no browser here: looked in PATH for " + ", ".join(NAMES),
        "install one (apt-get install chromium), name one with --browser, or give any browser the"
        " location's entry as its proxy (`sim status`)",
    )


def open_at(browser: Browser, spot: Spot, url: str, spki: str, say: Callable[[str], None]) -> int:
    """Show a page in a browser until that is closed; its profile is removed with it.

    Raises EnvironmentLacksError where the browser does not start.
    """
    with tempfile.TemporaryDirectory(prefix="sim-browser-") as folder:
        profile = Path(folder)
        if browser.is_firefox:
            argv = _firefox(browser, profile, spot, url, say)
        else:
            argv = _chromium(browser, profile, spot, url, spki)
        say(f"{browser.program} in {spot.location}, through {spot.entry}; close it to go on")
        said = profile / "said.txt"
        with said.open("w") as output:
            code = _until_closed(argv, output)
        if code:
            lines = said.read_text(errors="replace").splitlines()[-_LINES_SHOWN:]
            raise _did_not_work(browser, code, lines)
    return 0


def _until_closed(argv: Sequence[str], output: IO[str]) -> int:
    """Its code; it is ended where this program is."""
    asked: list[int] = []
    # A handler that raises while the child is being made would leave it to nobody.
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        browser = subprocess.Popen(argv, stdout=output, stderr=output)
    except BaseException:
        signal.signal(signal.SIGTERM, before)
        raise
    try:
        signal.signal(signal.SIGTERM, before)
        if asked:
            signal.raise_signal(signal.SIGTERM)
        return browser.wait()
    finally:
        browser.terminate()
        try:
            browser.wait(_GOODBYE_REAL_S)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()


def _did_not_work(browser: Browser, code: int, lines: Sequence[str]) -> EnvironmentLacksError:
    shown = "".join(f"\n  {line}" for line in lines)
    lack = f"{browser.program} ended with code {code}{shown}"
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return EnvironmentLacksError(lack, "a browser needs a display; DISPLAY says where it is")
    return EnvironmentLacksError(lack, "name another browser with --browser")


def _chromium(browser: Browser, profile: Path, spot: Spot, url: str, spki: str) -> list[str]:
    argv = [
        browser.program,
        f"--user-data-dir={profile}",
        f"--proxy-server=http://{spot.entry}",
        "--proxy-bypass-list=<-loopback>",  # it would go past the proxy to 127.0.0.0/8
        f"--ignore-certificate-errors-spki-list={spki}",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
    ]
    if os.geteuid() == 0:
        argv.append("--no-sandbox")  # its sandbox refuses to run as root
    return [*argv, url]


def _firefox(
    browser: Browser, profile: Path, spot: Spot, url: str, say: Callable[[str], None]
) -> list[str]:
    host, _, port = spot.entry.partition(":")
    settings: dict[str, object] = {
        "network.proxy.type": 1,
        "network.proxy.http": host,
        "network.proxy.http_port": int(port),
        "network.proxy.ssl": host,
        "network.proxy.ssl_port": int(port),
        "network.proxy.no_proxies_on": "",
        "network.proxy.allow_hijacking_localhost": True,
        "browser.shell.checkDefaultBrowser": False,
        "browser.aboutwelcome.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
    }
    lines = [f"user_pref({_js(name)}, {_js(value)});\n" for name, value in settings.items()]
    (profile / "user.js").write_text("".join(lines), encoding="ascii")
    if not _known_to_firefox(profile, spot.certificate):
        say(
            "Firefox will warn of the certificate: there is no `certutil` (libnss3-tools) to"
            " have it trust the world's authority, which `sim ca` prints"
        )
    return [browser.program, "--no-remote", "--profile", str(profile), url]


def _known_to_firefox(profile: Path, certificate: str) -> bool:
    certutil = shutil.which("certutil")
    if certutil is None:
        return False
    file = profile / "authority.pem"
    file.write_text(certificate, encoding="ascii")
    store = ("-d", f"sql:{profile}")
    add = (certutil, "-A", *store, "-n", "the world's authority", "-t", "C,,", "-i", str(file))
    for argv in ((certutil, "-N", *store, "--empty-password"), add):
        if subprocess.run(argv, check=False, capture_output=True).returncode:
            return False
    return True


def _js(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'
