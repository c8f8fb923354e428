"""A release: `make release VERSION=0.2.0` from a clean main.

The changelog's `Unreleased` becomes the version's section, the version is written, wheel and sdist
are built and checked, and the commit is tagged. Nothing is pushed or uploaded: it says how.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(rc\d+)?")
_UNRELEASED = "## Unreleased\n"


class NoRelease(Exception):  # noqa: N818 - it is told, not raised at anybody
    """Why there is none now, and what to do."""


def released(changelog: str, version: str, day: str) -> str:
    """The changelog with `Unreleased` as the section of a version. Raises NoRelease."""
    if f"\n## {version} " in changelog:
        raise NoRelease(f"CHANGELOG.md has a section of {version} already")
    before, found, after = changelog.partition(_UNRELEASED)
    section = after.partition("\n## ")[0]
    if not found or not re.search(r"^- ", section, re.MULTILINE):
        raise NoRelease("CHANGELOG.md has nothing under `## Unreleased`")
    return f"{before}{_UNRELEASED}\n## {version} ({day})\n{after}"


def next_version(given: str, now: str) -> str:
    """The version that was asked for. Raises NoRelease where it does not follow the one of now."""
    wanted, has = _VERSION.fullmatch(given), _VERSION.fullmatch(now)
    if not wanted or not has:
        raise NoRelease(f"`{given}` is no version such as 0.2.0 or 0.2.0rc1")
    number, before = (tuple(map(int, match.groups()[:3])) for match in (wanted, has))
    later = number > before or (number == before and not wanted[4] and has[4])
    if not later:
        raise NoRelease(f"{given} does not follow {now}")
    return given


def with_version(source: str, version: str) -> str:
    """`sim/__init__.py` with another version."""
    return re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', source)


def release(given: str) -> None:
    """Make the release. Raises NoRelease before anything is changed."""
    if _git("status", "--porcelain"):
        raise NoRelease("the tree is not clean; commit or stash what is there")
    if (branch := _git("branch", "--show-current")) != "main":
        raise NoRelease(f"releases are made on main, not on {branch}")
    package, changelog = ROOT / "sim/__init__.py", ROOT / "CHANGELOG.md"
    now = re.search(r'__version__ = "(.*)"', package.read_text())
    version = next_version(given, now[1] if now else "")
    day = datetime.now(UTC).date().isoformat()
    notes = released(changelog.read_text(), version, day)
    changelog.write_text(notes)
    package.write_text(with_version(package.read_text(), version))
    _build()
    _git("commit", "--quiet", "--all", "--message", f"Release {version}")
    _git("tag", "--annotate", f"v{version}", "--message", f"multi-region-sim {version}")
    print(  # noqa: T201 - for whoever releases
        f"built dist/ and tagged v{version}. What goes out is yours to send:\n"
        f"    git push origin main v{version}\n    twine upload dist/*"
    )


def _build() -> None:
    """Wheel and sdist into dist/, their metadata checked, and tried in empty environments."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    _python("hatchling", "build", "-d", "dist")
    _python("twine", "check", "--strict", *map(str, (ROOT / "dist").iterdir()))
    _python("pytest", "-q", "tests/test_wheel.py")


def _python(*arguments: str) -> None:
    if subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, check=False).returncode:
        raise NoRelease(
            f"{' '.join(arguments[:2])} failed; `git checkout .` undoes what was written"
        )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        release(sys.argv[1] if len(sys.argv) > 1 else "")
    except NoRelease as reason:
        sys.exit(f"no release: {reason}")
