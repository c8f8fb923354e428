"""Where the program comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import EnvironmentLacksError
from sim.lens import lens_program
from sim.lens.lens_program import find_program, name_for


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "multi-region-sim"


def test_it_is_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = find_program()
    assert built.parent == cache
    monkeypatch.setattr(lens_program, "_compilers", lambda _: iter(()))
    assert find_program() == built


def test_what_a_release_has_built_is_used(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lens_program, "BUILT", tmp_path)
    ready = tmp_path / name_for(lens_program.processor())
    ready.touch(mode=0o755)
    assert find_program() == ready


def test_other_sources_make_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = name_for("x86_64")
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    monkeypatch.setattr(lens_program, "SOURCES", tmp_path)
    assert name_for("x86_64") != before


def test_without_a_compiler_it_is_said_what_to_do(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lens_program, "_compilers", lambda _: iter(()))
    with pytest.raises(EnvironmentLacksError, match="no compiler here can build the lens") as error:
        find_program()
    assert "ziglang" in error.value.remedy
    assert not list(cache.iterdir())


def test_what_a_compiler_says_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        lens_program, "_compilers", lambda _: iter([["sh", "-c", "echo no libc >&2; false"]])
    )
    with pytest.raises(EnvironmentLacksError, match="sh said: no libc"):
        find_program()


def test_another_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(EnvironmentLacksError, match="not linux on riscv64"):
        find_program()
