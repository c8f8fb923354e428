"""The lens as a program: brought by the wheel, or built from the sources beside it, once.

It is static, so that it runs in any container too. What was built is kept in the user's cache
directory under a name that its sources and its processor decide; one that is there is not built
again, and appears whole, by one rename.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sim.errors import EnvironmentLacksError
from sim.user_cache import user_cache

SOURCES = Path(__file__).parent / "c"
# Where a release puts what it has built (tools/lens.py).
BUILT = Path(__file__).parent / "built"
PROCESSORS = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    *("-O2", "-static", "-s", "-D_GNU_SOURCE"),
    # The stub in stub.c is copied to another place: nothing in it may refer to anything else.
    *("-fno-stack-protector", "-fno-jump-tables", "-fno-strict-aliasing"),
)
_REMEDY = (
    "install a C compiler (and the static C library, where it is a package of its own), or"
    " `pip install ziglang`"
)


def processor() -> str:
    """This processor, as the lens calls it. Raises EnvironmentLacksError for all but two."""
    machine = platform.machine().lower()
    if sys.platform != "linux" or machine not in PROCESSORS:
        raise EnvironmentLacksError(
            f"the lens knows Linux on x86-64 and aarch64, not {sys.platform} on {machine}",
            "run worlds there, or at speed 1",
        )
    return PROCESSORS[machine]


def name_for(of_processor: str) -> str:
    """The program's file name: another one for other sources."""
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.name.encode() + source.read_bytes())
    return f"lens-{of_processor}-{digest.hexdigest()[:16]}"


def find_program() -> Path:
    """The program for this processor, built where it has to be.

    Raises EnvironmentLacksError where it cannot be.
    """
    name = name_for(processor())
    cached = user_cache() / name
    for place in (BUILT / name, cached):
        if os.access(place, os.X_OK):
            return place
    mine = cached.with_name(f"{name}.{secrets.token_hex(4)}")
    try:
        # Whoever could write here could run what they like in the next world.
        cached.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        build(mine)
        mine.rename(cached)
    except OSError as error:
        raise EnvironmentLacksError(
            f"the lens cannot be built in {cached.parent}: {error.strerror}",
            "set XDG_CACHE_HOME to a folder that can be written",
        ) from error
    finally:
        mine.unlink(missing_ok=True)
    return cached


def build(target: Path, *, for_processor: str | None = None) -> None:
    """Compile the sources. For another processor than this one only `ziglang` can.

    Raises EnvironmentLacksError where no compiler can, with what the last one said.
    """
    said = ""
    for compiler in _compilers(for_processor):
        command = [*compiler, *FLAGS, "-o", str(target), *map(str, sorted(SOURCES.glob("*.c")))]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode == 0:
            return
        said = f": {compiler[0]} said: {done.stderr.strip()[-500:]}"
    raise EnvironmentLacksError(f"no compiler here can build the lens{said}", _REMEDY)


def _compilers(for_processor: str | None) -> Iterator[list[str]]:
    if for_processor is None:
        yield from ([found] for name in _COMPILERS if (found := shutil.which(name)))
    if importlib.util.find_spec("ziglang"):
        target = f"{for_processor or processor()}-linux-musl"
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", target]
        # Its own default is to stop at what it takes for undefined behaviour, by a call.
        yield [*zig, "-fno-sanitize=all"]
