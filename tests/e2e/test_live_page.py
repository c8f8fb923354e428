"""The live page as the commands hand it out: its address, its key, and its end with the world."""

from __future__ import annotations

import json
import signal
import time  # noqa: TID251 - how long a real process takes to end
import urllib.error
import urllib.request
from http.cookiejar import CookieJar

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.thorough]


class Browser:
    """Keeps cookies and follows redirects, as a browser does, past any proxy."""

    def __init__(self):
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(CookieJar()),
        )

    def get(self, url):
        return self._opener.open(url, timeout=20)

    def frames(self, base):
        """What the world sends, frame by frame, for as long as it does."""
        with self.get(f"{base}/live/frames") as stream:
            for line in stream:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])


def address(text):
    return next(word for word in text.split() if "/?key=" in word)


def test_an_address_opens_once_and_another_can_be_had(sim, topologies):
    path = topologies / "outages" / "two-regions.yaml"
    done = sim("up", path, "--detach", "--speed", "10")
    assert done.returncode == 0, done.stderr
    first, second = address(done.stdout), sim("page").stdout.strip()
    assert first != second
    for url in (first, second):
        with Browser().get(url) as page:
            assert b"/page.js" in page.read()
        with pytest.raises(urllib.error.HTTPError) as refused:
            Browser().get(url)
        with refused.value as door:
            assert door.code == 401
            assert b"sim page" in door.read()
    assert sim("down").returncode == 0


def test_the_demo_lives_until_it_is_ended_though_somebody_watches(sim):
    process = sim.start("demo", "--live", "--seed", "7")
    try:
        url = next(line for line in process.stdout if "/?key=" in line).strip()
        browser = Browser()
        browser.get(url).close()
        frames = browser.frames(url.partition("/?")[0])
        clients = 0
        while clients < 50:
            frame = next(frames)
            clients = sum(sum(place["served"].values()) for place in frame["locations"])
        assert frame["play"]["load_only"]
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        for _ in frames:
            pass  # the stream ends, and not only with the process
        process.communicate(timeout=30)
        assert time.monotonic() - began < 15
        assert process.returncode == 143
    finally:
        process.kill()
        process.communicate()
