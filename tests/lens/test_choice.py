"""Which clock machines are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import EnvironmentLacksError, InputError
from sim.lens.choice import choose, clock_named
from sim.lens.lens import Lens

PROGRAM = Path("/lens")


def never() -> Path:
    raise AssertionError("it was tried for nothing")


def lacking() -> Path:
    raise EnvironmentLacksError("ptrace is not allowed", "allow it")


def test_at_speed_1_the_host_s_clock_is_the_world_s() -> None:
    clock = choose("lens", 1, never)
    assert (clock.name, clock.lens(1, 0), clock.warning(1)) == ("lens", None, "")


def test_a_lens_that_works_is_used_at_any_other_speed() -> None:
    clock = choose("lens", 10, lambda: PROGRAM)
    assert (clock.name, clock.lens(10, 5)) == ("lens", Lens(PROGRAM, 10, 5))
    assert (clock.calendar_speed(10), clock.warning(10)) == (10, "")


@pytest.mark.parametrize(
    ("asked", "tried", "why"),
    [("real", never, "--clock real"), ("lens", lacking, "ptrace is not allowed")],
)
def test_otherwise_it_is_said_why_machines_keep_real_time(asked, tried, why):
    clock = choose(asked, 10, tried)
    assert (clock.name, clock.lens(10, 0), clock.calendar_speed(10)) == ("real", None, 1)
    assert f"real time ({why})" in clock.warning(10)
    assert "counts 10 times" in clock.warning(10)
    assert "longer than they say" in clock.warning(0.5)


def test_a_clock_of_another_name_is_refused() -> None:
    with pytest.raises(InputError, match="unknown clock `wall`"):
        clock_named("wall")
