"""A Docker engine and images for tests and benchmarks, where there is neither engine nor registry.

An engine that answers is used as it is, and nothing of it is touched but what worlds make and the
images named here. Otherwise a `dockerd` of our own is started, if we are root and there is one.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path

import docker

ROOT = Path(__file__).parents[2]
BASE = "sim-test/python:local"
GATEWAY = "sim-test/gateway:local"
_MADE_OF = "sim-test.packages"
_LOOKS, _LOOK_REAL_S = 600, 0.05
_SKIPPED = re.compile(r"(/test/|/tests/|/config-3|multi_region_sim|/lib2to3/|/idlelib/)")
# What programs load by name, so that `ldd` does not list it.
_HIDDEN = re.compile(
    r"lib(rt|pthread|dl|util|m|nss_dns|nss_files|gcc_s|stdc\+\+|resolv)\.so\.[0-9]+$"
)


def answering(url: str | None = None) -> bool:
    """Whether an engine answers there, or else at $DOCKER_HOST or Docker's own socket."""
    if not shutil.which("docker"):
        return False
    where = ("-H", url) if url else ()
    return (
        subprocess.run(["docker", *where, "version"], check=False, capture_output=True).returncode
        == 0
    )


def why_not() -> str | None:
    """Why no engine of our own can be started, or None."""
    if os.geteuid() != 0:
        return "no Docker engine answers, and starting one takes root"
    if not shutil.which("dockerd"):
        return "no Docker engine answers, and there is no dockerd (apt-get install docker.io)"
    return None


class PrivateEngine:
    """A `dockerd` of our own, with everything of it in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """The daemon."""
        options = {
            "--data-root": self.folder / "data",
            "--exec-root": self.folder / "exec",
            "--pidfile": self.folder / "pid",
            "-H": self.url,
        }
        return ["dockerd", *(str(part) for pair in options.items() for part in pair)]

    def start(self) -> None:
        """Start it and wait until it answers; again after `stop`, with what it had.

        Nothing is done where it runs.
        """
        if self._process:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(_LOOKS):
            if answering(self.url):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_LOOK_REAL_S)
                break
        said = (self.folder / "log").read_text()[-2000:]
        self.stop()
        raise RuntimeError(f"dockerd did not come up:\n{said}")

    def stop(self) -> None:
        """End it, and with it its containers."""
        if self._process:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """End it and remove its folder; its networks first, whose bridges would outlive it."""
        docker_ = ("docker", "-H", self.url)
        listed = subprocess.run(
            [*docker_, "ps", "-aq"], check=False, capture_output=True, text=True
        )
        if found := listed.stdout.split():
            subprocess.run([*docker_, "rm", "-f", *found], check=False, capture_output=True)
        subprocess.run([*docker_, "network", "prune", "-f"], check=False, capture_output=True)
        self.stop()
        # The namespace of containers on the host's network stays mounted, and its folder with it;
        # so does what a daemon that was killed had mounted over its own data.
        for mounted in [*(self.folder / "exec" / "netns").glob("*"), self.folder / "data"]:
            subprocess.run(["umount", str(mounted)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def make_images() -> None:
    """Make the base image from this machine's Python, and the reference gateway's upon it."""
    client = docker.from_env()
    # Made anew where this environment has other packages by now.
    made_of = sha256(
        repr(sorted((d.name, d.version) for d in distributions())).encode()
    ).hexdigest()
    if not client.images.list(BASE, filters={"label": f"{_MADE_OF}={made_of}"}):
        repository, _, tag = BASE.partition(":")
        client.api.import_image_from_data(
            _base_tar(),
            repository=repository,
            tag=tag,
            changes=[
                f"ENV PATH={sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin",
                f"LABEL {_MADE_OF}={made_of}",
            ],
        )
    client.images.build(
        path=str(ROOT),
        dockerfile="images/gateway.Dockerfile",
        tag=GATEWAY,
        buildargs={"BASE_IMAGE": BASE},
        rm=True,
    )
    client.close()


def _base_tar() -> bytes:
    """The interpreter, its library, the packages of this environment, and what they link to."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        files = dict(_python_files())
        libraries = set(_libraries([Path(p) for p in files.values() if ".so" in p or "/bin/" in p]))
        for library in libraries:
            files[_usr(library)] = os.path.realpath(library)
        for inside, outside in sorted(files.items()):
            tar.add(outside, inside.lstrip("/"), recursive=False)
        for link, target in (("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
            _symlink(tar, link, target)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for name in ("python", "python3"):
            _symlink(tar, f"usr/local/bin/{name}", f"{sys.base_prefix}/bin/{version}")
        _text(tar, "usr/local/bin/pip", '#!/bin/sh\nexec python -m pip "$@"\n', 0o755)
        _text(tar, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n")
        _text(tar, "etc/group", "root:x:0:\nuser:x:1000:\n")
        _text(tar, "etc/nsswitch.conf", "hosts: files dns\n")
        for folder, mode in (("tmp", 0o1777), ("root", 0o755)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
    return memory.getvalue()


def _python_files() -> Iterator[tuple[str, str]]:
    """Paths in the image, and here."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program = os.path.realpath(f"{sys.base_prefix}/bin/{version}")
    yield f"{sys.base_prefix}/bin/{version}", program
    for tool in ("dash", "env", "cp", "rm", "mkdir", "sleep", "node"):
        if found := shutil.which(tool):
            yield f"/usr/bin/{'sh' if tool == 'dash' else tool}", os.path.realpath(found)
    library = Path(os.path.realpath(sysconfig.get_path("stdlib", vars={"base": sys.base_prefix})))
    yield from _tree(library, str(library), skip=("site-packages", "dist-packages"))
    asked = subprocess.run(
        [program, "-c", "import site; print(site.getsitepackages()[0])"],
        check=True,
        capture_output=True,
        text=True,
    )
    yield from _tree(Path(sysconfig.get_path("purelib")), asked.stdout.strip())


def _tree(folder: Path, inside: str, skip: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if name.parts[0] not in skip and path.is_file() and not _SKIPPED.search(f"/{name}"):
            yield f"{inside}/{name}", os.path.realpath(path)


def _libraries(programs: list[Path]) -> Iterator[str]:
    found: set[str] = set()
    for first in range(0, len(programs), 200):
        done = subprocess.run(
            ["ldd", *map(str, programs[first : first + 200])],
            check=False,
            capture_output=True,
            text=True,
        )
        linked = re.findall(r"(?:=> |^\s+)(/\S+)", done.stdout, re.MULTILINE)
        found |= set(map(os.path.normpath, linked))
    yield from found
    folder = next(Path(name).parent for name in found if "/libc.so" in name)
    yield from (str(path) for path in folder.iterdir() if _HIDDEN.search(path.name))


def _usr(library: str) -> str:
    return f"/usr{library}" if library.startswith("/lib") else library


def _symlink(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def _text(tar: tarfile.TarFile, name: str, text: str, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text.encode()), mode
    tar.addfile(entry, io.BytesIO(text.encode()))


def make_image_of(name: str) -> str:
    """Make `postgres` or `toxiproxy` as their official images are, and give the image's name."""
    tag = f"sim-test/{name}:local"
    client = docker.from_env()
    with tempfile.TemporaryDirectory() as context:
        shutil.copytree(Path(__file__).parent / "images" / name, context, dirs_exist_ok=True)
        if name == "toxiproxy":
            installer = ROOT / "tests/network/install_toxiproxy.sh"
            built = subprocess.run(["sh", installer], check=True, capture_output=True, text=True)
            shutil.copy(built.stdout.strip(), Path(context) / "toxiproxy-server")
        client.images.build(path=context, tag=tag, buildargs={"BASE_IMAGE": BASE}, rm=True)
    client.close()
    return tag


def make_compose_images() -> dict[str, str]:
    """Images for docker-compose.yml where there is no registry: its variables, and their values."""
    return {
        "PYTHON_IMAGE": BASE,
        "POSTGRES_IMAGE": make_image_of("postgres"),
        "TOXIPROXY_IMAGE": make_image_of("toxiproxy"),
    }
