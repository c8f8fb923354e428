"""What the trial of a lens says of what a program saw. Pure, but for one real trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import EnvironmentLacksError
from sim.lens.lens import Lens
from sim.lens.lens_program import find_program
from sim.lens.lens_trial import Trial, read, try_out, wrong_clock, wrong_wait

LENS = Lens(Path("lens"), 10.0, 0)
S = 1_000_000_000
BEFORE, AFTER = (100 * S, 5000 * S), (101 * S, 5001 * S)


def test_what_the_program_prints_is_read() -> None:
    assert read(["clock realtime 12", "lasted 34 a child's sleep", "something else"]) == Trial(
        clocks=[("realtime", 12)], lasted=[("a child's sleep", 34)]
    )


@pytest.mark.parametrize(
    ("clock", "shown_s"),
    [("monotonic", 1000), ("monotonic", 1010), ("realtime", 5900), ("realtime", 5910)],
)
def test_a_clock_may_show_any_instant_of_the_trial(clock: str, shown_s: int) -> None:
    assert wrong_clock(Trial([(clock, shown_s * S)], []), LENS, BEFORE, AFTER) is None


@pytest.mark.parametrize(
    ("clock", "shown_s"),
    [("monotonic", 100), ("monotonic", 999), ("realtime", 5000), ("realtime", 5911)],
)
def test_a_clock_that_shows_another_time_is_wrong(clock: str, shown_s: int) -> None:
    said = wrong_clock(Trial([(clock, shown_s * S)], []), LENS, BEFORE, AFTER)
    assert said is not None
    assert clock in said


@pytest.mark.parametrize(
    ("lasted_s", "true"), [(0.499, False), (0.5, True), (0.51, True), (0.511, False)]
)
def test_a_wait_may_be_late_by_two_per_cent_and_never_early(lasted_s: float, true: bool) -> None:
    assert (wrong_wait([("poll", int(lasted_s * S))]) is None) is true


def test_a_lens_that_shows_another_time_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "lens"
    program.write_text("#!/bin/sh\necho clock monotonic 1\n")
    program.chmod(0o755)
    with pytest.raises(EnvironmentLacksError, match="monotonic clock is off by -"):
        try_out(program)


def test_a_lens_under_which_nothing_runs_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "lens"
    program.write_text(
        "#!/bin/sh\necho lens: cannot trace: Operation not permitted >&2; exit 125\n"
    )
    program.chmod(0o755)
    with pytest.raises(EnvironmentLacksError, match="here: cannot trace: Operation not permitted"):
        try_out(program)


@pytest.mark.realtime
def test_the_lens_keeps_true_time() -> None:
    try_out(find_program())
