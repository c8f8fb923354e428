"""A Docker engine that is another host's, as far as this one can tell: in a network namespace.

It has a network of its own behind a pair of virtual interfaces, and is reached over TCP. It is
started by `nsenter --net`: what `ip netns exec` starts has another /sys, in which dockerd finds no
control groups.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.docker.private_engine import PrivateEngine

PORT = 2375
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


class SecondEngine(PrivateEngine):
    """A `dockerd` of our own in a namespace of its own, with everything of it in one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        number = os.getpid() % 256  # of two test processes at a time each has its own
        self._namespace = f"sim-{os.getpid()}"
        self._near, self._far = f"simn{os.getpid()}", f"simf{os.getpid()}"
        self.here, self.there = f"10.43.{number}.1", f"10.43.{number}.2"
        self.url = f"tcp://{self.there}:{PORT}"

    def command(self) -> list[str]:
        """The daemon, in its namespace."""
        return ["nsenter", f"--net=/run/netns/{self._namespace}", *super().command()]

    def lay(self) -> None:
        """Make the namespace, and a cable to it."""
        _ip("netns", "add", self._namespace)
        _ip("link", "add", self._near, "type", "veth", "peer", self._far)
        _ip("link", "set", self._far, "netns", self._namespace)
        _ip("addr", "add", f"{self.here}/24", "dev", self._near)
        _ip("link", "set", self._near, "up")
        _ip("-n", self._namespace, "addr", "add", f"{self.there}/24", "dev", self._far)
        _ip("-n", self._namespace, "link", "set", "lo", "up")
        self.mend()

    def cut(self) -> None:
        """Pull the cable: nothing arrives any more, and no end is told."""
        _ip("-n", self._namespace, "link", "set", self._far, "down")

    def mend(self) -> None:
        """Plug it in again."""
        _ip("-n", self._namespace, "link", "set", self._far, "up")
        _ip("-n", self._namespace, "route", "replace", "default", "via", self.here)

    @contextmanager
    def ssh(self, folder: Path) -> Iterator[Path]:
        """Let it be reached as `ssh://root@…` too, by the program `ssh` in the folder it gives.

        That is the usual one, with a key and a configuration of the folder's own.
        """
        for name in ("key", "host"):
            keygen = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
            subprocess.run(keygen, check=True)
        (folder / "sshd_config").write_text(
            f"ListenAddress {self.there}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {folder}/key.pub\nStrictModes no\nSetEnv DOCKER_HOST={self.url}\n"
        )
        (folder / "config").write_text(
            f"IdentityFile {folder}/key\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known\n"
            "StrictHostKeyChecking no\nLogLevel ERROR\n"
        )
        (folder / "ssh").write_text(
            f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n'
        )
        (folder / "ssh").chmod(0o755)
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in until somebody is let in
        enter = ("nsenter", f"--net=/run/netns/{self._namespace}")
        daemon = subprocess.Popen(
            [*enter, str(SSHD), "-D", "-e", "-f", folder / "sshd_config"],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert daemon.stderr
            assert "listening" in daemon.stderr.readline()
            yield folder
        finally:
            daemon.terminate()
            daemon.communicate()

    def worlds_things(self) -> str:
        """The containers and networks in it that are any world's, by their ids."""
        chosen = ("--filter", "label=sim.world")
        kinds = (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"))
        listed = [
            subprocess.run(
                ["docker", "-H", self.url, *kind, *chosen],
                check=True,
                capture_output=True,
                text=True,
            )
            for kind in kinds
        ]
        return "".join(one.stdout for one in listed)

    def kill(self) -> None:
        """SIGKILL to the daemon. What it runs goes on, as on any host."""
        assert self._process
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        self._process = None
        (self.folder / "pid").unlink(missing_ok=True)

    def remove(self) -> None:
        """End it, and remove its folder, the cable and the namespace."""
        try:
            self.start()  # else what a killed one ran would run on
            super().remove()
        finally:
            _ip("link", "del", self._near, check=False)
            _ip("netns", "del", self._namespace, check=False)
