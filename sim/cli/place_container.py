"""`sim exec --image`: a container in the place of a location's clients."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sim import registry, trust
from sim.control.control_client import ask
from sim.docker.engine import CLIENT_LABEL, WORLD_LABEL
from sim.docker.labels import only
from sim.errors import EnvironmentLacksError
from sim.registry import WorldRecord

_AUTHORITIES = Path("/etc/sim/authorities.pem")  # within the container


def run_in_a_container(
    record: WorldRecord, place: str, image: str, command: tuple[str, ...]
) -> int:
    """Run COMMAND in a container of that image, in the location's network; its exit code."""
    docker = shutil.which("docker")
    if docker is None:
        raise EnvironmentLacksError("there is no program `docker`", "install it, or drop --image")
    quarters = ask(record, "quarters", location=place)
    nameserver = quarters["nameserver"]
    if quarters["apart"]:
        names = ["--dns", nameserver, *_trusting(record)]
    else:  # in the simulator's own network, where the engine sets no nameserver
        resolv = record.folder / f"resolv-{place}.conf"
        resolv.write_text(f"nameserver {nameserver}\n", encoding="ascii")
        names = ["-v", f"{resolv}:/etc/resolv.conf:ro"]
    engine = {k: v for k, v in (registry.engine_of(record.folder) or {}).items() if v}
    env = os.environ | engine
    own = only({WORLD_LABEL: record.id, CLIENT_LABEL: ""}, _labels_of(docker, image, env))
    labels = [word for name, value in own.items() for word in ("--label", f"{name}={value}")]
    where = ["--network", quarters["network"], *names, *labels]
    argv = [docker, "run", "--rm", "-i", *where, image, *command]
    return subprocess.run(argv, check=False, env=env).returncode


def _labels_of(docker: str, image: str, env: Mapping[str, str]) -> dict[str, str] | None:
    """The labels of an image that is here; of one that has to be pulled nothing is known."""
    argv = [docker, "image", "inspect", "--format", "{{json .Config.Labels}}", image]
    done = subprocess.run(argv, check=False, env=env, capture_output=True, text=True)
    labels: dict[str, str] | None = json.loads(done.stdout) if done.returncode == 0 else None
    return labels


def _trusting(record: WorldRecord) -> list[str]:
    """What has a container trust the world's authority, beside those of this host."""
    certificate = ask(record, "authority")["certificate"]
    file = trust.bundle(record.folder, certificate, os.environ)
    settings = [f"{name}={value}" for name, value in trust.trusting(_AUTHORITIES).items()]
    variables = [word for setting in settings for word in ("-e", setting)]
    return ["-v", f"{file}:{_AUTHORITIES}:ro", *variables]
