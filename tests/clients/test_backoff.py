from __future__ import annotations

from statistics import mean

from sim.clients.backoff import Backoff, BackoffSpec
from sim.rng import Rng


def waits(seed, count, base_s=0.25, max_s=5.0, jitter="full"):
    backoff = Backoff(BackoffSpec(base_s, max_s, jitter), Rng(seed))
    return [backoff.next_s() for _ in range(count)]


def test_attempts_are_drawn_from_zero_to_a_doubling_ceiling():
    series = [waits(seed, 8) for seed in range(400)]
    for attempt, ceiling in enumerate([0.25, 0.5, 1, 2, 4, 5, 5, 5]):
        drawn = [row[attempt] for row in series]
        assert 0 <= min(drawn) < 0.1 * ceiling
        assert 0.9 * ceiling < max(drawn) <= ceiling
        assert 0.4 * ceiling < mean(drawn) < 0.6 * ceiling


def test_equal_jitter_waits_at_least_half_of_the_bound():
    series = [waits(seed, 6, jitter="equal") for seed in range(400)]
    for attempt, bound in enumerate([0.25, 0.5, 1, 2, 4, 5]):
        drawn = [row[attempt] for row in series]
        assert 0.5 * bound <= min(drawn) < 0.55 * bound
        assert 0.95 * bound < max(drawn) <= bound


def test_without_jitter_every_client_waits_the_same():
    assert waits(1, 6, jitter="none") == waits(2, 6, jitter="none") == [0.25, 0.5, 1, 2, 4, 5]


def test_a_fixed_timer_never_grows():
    assert waits(1, 4, 15.0, 15.0, "none") == [15.0] * 4


def test_a_reset_starts_from_the_base():
    backoff = Backoff(BackoffSpec(), Rng(1))
    for _ in range(10):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.25


def test_the_same_seed_gives_the_same_waits():
    assert waits(3, 20) == waits(3, 20)
    assert waits(3, 20) != waits(4, 20)


def test_thousands_of_failures_do_not_overflow():
    assert waits(1, 5000)[-1] <= 5.0
