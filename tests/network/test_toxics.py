"""Each toxic as a pure stage: what goes in, what comes out, and when. No sockets, no time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.network.embedded.toxics import TOXICS, Context, Item, Mark, Stage
from sim.network.embedded.toxics.loss import bound_bytes_s, retransmission_s
from sim.network.embedded.toxics.slicer import cut
from sim.rng import Rng


def stage(kind: str, *, opened_at: float = 0.0, seed: int = 1, **attributes: int) -> Stage:
    """A stage of that toxic on a connection."""
    toxic = TOXICS[kind]().merged(attributes)
    rng = Rng(seed, kind)
    return toxic.stage(Context(opened_at, opened_at, lambda: rng))


def run(stage: Stage, until: float = math.inf) -> list[tuple[float, Item]]:
    """Everything that leaves, at the instants at which the stage asks to be woken."""
    left: list[tuple[float, Item]] = []
    now = 0.0
    while now <= until and len(left) < 10_000:
        while item := stage.pop(now):
            left.append(item)
        now = stage.wake_at()
        if now == math.inf:
            break
    return left


def test_noop_passes_at_once() -> None:
    noop = stage("noop")
    noop.push(b"x", 5.0)
    assert run(noop) == [(5.0, b"x")]


def test_latency_delays_each_item_from_when_it_came() -> None:
    latency = stage("latency", latency=100)
    for at in (0.0, 0.01, 0.05):
        latency.push(b"x", at)
    latency.push(Mark.END, 0.06)
    assert [round(due, 6) for due, _ in run(latency)] == [0.1, 0.11, 0.15, 0.16]


def test_jitter_stays_in_its_range_and_keeps_the_order() -> None:
    latency = stage("latency", latency=100, jitter=40)
    for number in range(200):
        latency.push(bytes([number]), number * 0.2)
    left = run(latency)
    assert [item for _, item in left] == [bytes([number]) for number in range(200)]
    delays = [due - number * 0.2 for number, (due, _) in enumerate(left)]
    assert 0.06 <= min(delays) < 0.07
    assert 0.13 < max(delays) <= 0.14


def test_the_same_seed_gives_the_same_jitter_and_another_another() -> None:
    def delays(seed: int) -> list[float]:
        latency = stage("latency", latency=100, jitter=40, seed=seed)
        for number in range(20):
            latency.push(b"x", float(number))
        return [due for due, _ in run(latency)]

    assert delays(1) == delays(1) != delays(2)


def test_latency_below_0_is_none() -> None:
    latency = stage("latency", latency=-50)
    latency.push(b"x", 1.0)
    assert run(latency) == [(1.0, b"x")]


def test_an_update_of_latency_counts_from_arrival() -> None:
    latency = stage("latency", latency=1000)
    latency.push(b"x", 0.0)
    latency.update(TOXICS["latency"]().merged({"latency": 500}), 0.2)
    assert run(latency) == [(0.5, b"x")]


def test_bandwidth_gives_each_piece_its_time_on_the_line() -> None:
    bandwidth = stage("bandwidth", rate=100)
    bandwidth.push(b"x" * 25_000, 0.0)
    left = run(bandwidth)
    assert [len(item) for _, item in left if isinstance(item, bytes)] == [10_000, 10_000, 5000]
    assert [round(due, 6) for due, _ in left] == [0.1, 0.2, 0.25]


def test_an_idle_line_saves_nothing_up() -> None:
    bandwidth = stage("bandwidth", rate=100)
    bandwidth.push(b"x" * 1000, 0.0)
    assert run(bandwidth) == [(0.01, b"x" * 1000)]
    bandwidth.push(b"x" * 1000, 50.0)
    assert run(bandwidth) == [(50.01, b"x" * 1000)]


def test_a_line_of_rate_0_starts_when_it_is_given_a_rate() -> None:
    bandwidth = stage("bandwidth", rate=0)
    bandwidth.push(b"x" * 1000, 0.0)
    assert run(bandwidth) == []
    bandwidth.update(TOXICS["bandwidth"]().merged({"rate": 100}), 30.0)
    assert run(bandwidth) == [(30.01, b"x" * 1000)]


def test_a_line_that_stood_still_again_loses_no_piece() -> None:
    bandwidth = stage("bandwidth", rate=100)
    bandwidth.push(b"x" * 1000, 0.0)
    bandwidth.push(Mark.END, 0.0)
    for rate, at in ((0, 0.005), (100, 9.0)):
        bandwidth.update(TOXICS["bandwidth"]().merged({"rate": rate}), at)
    assert run(bandwidth) == [(9.01, b"x" * 1000), (9.01, Mark.END)]


@pytest.mark.parametrize("kind", sorted(TOXICS))
def test_a_stage_that_has_let_everything_go_holds_nothing(kind: str) -> None:
    """What a stage says that it holds is what the sender is made to wait by."""
    attributes = {
        "slicer": {"average_size": 7},
        "bandwidth": {"rate": 1},
        "shared_bandwidth": {"rate": 1},
        "limit_age": {"age": 10_000},
    }
    found = stage(kind, **attributes.get(kind, {}))
    for item in (b"x" * 100, b"y", Mark.END):
        found.push(item, 0.0)
    run(found, until=1.0)
    found.drain()
    assert found.size == 0


def on_one_line(rate: int, *held: bytes) -> list[Stage]:
    """A stage of `shared_bandwidth` for each connection, all on the same line."""
    toxic = TOXICS["shared_bandwidth"]().merged({"rate": rate})
    common: dict[type, object] = {}
    stages = [toxic.stage(Context(0.0, 0.0, lambda: Rng(1), common)) for _ in held]
    for stage, data in zip(stages, held, strict=True):
        stage.push(data, 0.0)
    return stages


def departures(stages: list[Stage]) -> list[tuple[int, float, int]]:
    """Which stage's piece leaves when, and its size."""
    left: list[tuple[int, float, int]] = []
    while (now := min(stage.wake_at() for stage in stages)) != math.inf:
        for number, stage in enumerate(stages):
            while item := stage.pop(now):
                left.append((number, round(item[0], 6), len(item[1])))  # type: ignore[arg-type]
    return left


def test_connections_take_turns_on_a_shared_line() -> None:
    left = departures(on_one_line(1000, b"x" * 30_000, b"x" * 10_000))
    assert [number for number, _, _ in left] == [0, 1, 0, 0]
    assert [at for _, at, _ in left] == [0.01, 0.02, 0.03, 0.04]


def test_a_faster_shared_line_waits_for_no_turn_that_was_taken_on_the_slow_one() -> None:
    """A hundred segments at 16 KB/s take nine seconds, and at 10 MB/s 15 ms."""
    stages = on_one_line(16, *[b"x" * 1448] * 100)
    faster = TOXICS["shared_bandwidth"]().merged({"rate": 10_000})
    for stage in stages:
        stage.update(faster, 0.05)
    left = departures(stages)
    assert sum(size for _, _, size in left) == 144_800
    assert 0.064 < max(at for _, at, _ in left) < 0.07


def test_a_shared_line_carries_its_rate_however_many_share_it() -> None:
    left = departures(on_one_line(100, *[b"x" * 5000] * 10))
    assert sum(size for _, _, size in left) == 50_000
    assert max(at for _, at, _ in left) == 0.5


def test_slow_close_delays_the_end_alone() -> None:
    slow_close = stage("slow_close", delay=300)
    slow_close.push(b"x", 1.0)
    slow_close.push(Mark.END, 1.0)
    assert run(slow_close) == [(1.0, b"x"), (1.3, Mark.END)]


def test_timeout_ends_after_silence_only() -> None:
    timeout = stage("timeout", timeout=300)
    for at in (0.0, 0.2, 0.4):
        timeout.push(b"lost", at)
    [(due, item)] = run(timeout)
    assert (round(due, 6), item) == (0.7, Mark.END_BOTH)


def test_timeout_0_lets_an_end_through() -> None:
    timeout = stage("timeout", timeout=0)
    timeout.push(b"lost", 0.0)
    timeout.push(Mark.END, 1.0)
    assert run(timeout) == [(1.0, Mark.END)]


@pytest.mark.parametrize("first", [b"x", Mark.END])
def test_reset_peer_waits_for_the_first_sign_of_life(first: Item) -> None:
    reset_peer = stage("reset_peer", timeout=100)
    assert run(reset_peer) == []
    reset_peer.push(first, 2.0)
    assert reset_peer.wake_at() == 2.1
    assert run(reset_peer)[0] == (2.1, Mark.RESET_BOTH)


def test_limit_data_truncates_and_ends() -> None:
    limit_data = stage("limit_data", bytes=10)
    limit_data.push(b"123456", 0.0)
    limit_data.push(b"7890abc", 1.0)
    limit_data.push(b"more", 2.0)
    assert run(limit_data) == [(0.0, b"123456"), (1.0, b"7890"), (1.0, Mark.END_BOTH)]


def test_a_handshake_gates_the_beginning_of_a_connection() -> None:
    handshake = stage("handshake", opened_at=10.0, rtt=80)
    handshake.push(b"early", 10.01)
    handshake.push(b"late", 12.0)
    assert run(handshake) == [(10.08, b"early"), (12.0, b"late")]


def test_a_blackhole_gives_back_everything_in_order() -> None:
    blackhole = stage("blackhole")
    items: list[Item] = [b"1", b"2", Mark.END]
    for item in items:
        blackhole.push(item, 0.0)
    assert run(blackhole) == []
    assert blackhole.drain() == items


@given(
    length=st.integers(1, 30_000),
    average=st.integers(1, 5000),
    share=st.floats(0, 1),
    seed=st.integers(0, 100),
)
def test_cuts_are_whole_and_none_is_too_large_or_empty(
    length: int, average: int, share: float, seed: int
) -> None:
    variation = int(average * share)
    sizes = list(cut(length, average, variation, lambda: Rng(seed)))
    assert sum(sizes) == length
    assert min(sizes) > 0
    assert max(sizes) <= max(1, average + variation)


def test_pieces_of_a_slicer_keep_their_distance_after_a_late_wake_up() -> None:
    slicer = stage("slicer", average_size=1, delay=1000)
    slicer.push(b"ab", 0.0)
    assert slicer.pop(5.0) == (0.0, b"a")
    assert slicer.pop(5.0) is None
    assert slicer.wake_at() == pytest.approx(5.001)


def test_a_chunk_of_24_cut_to_1_is_24_pieces() -> None:
    assert list(cut(24, 1, 0, lambda: Rng(1))) == [1] * 24


def test_loss_has_the_mean_that_its_model_says() -> None:
    rng, rtt_s, p = Rng(1), 0.04, 0.1
    draws = [retransmission_s(100, p, rtt_s, rng) for _ in range(20_000)]
    assert sum(draw > 0 for draw in draws) / len(draws) == pytest.approx(p, rel=0.1)
    assert min(draw for draw in draws if draw) == pytest.approx(rtt_s + 0.2)
    # The k-th retransmission in a row comes after a timer twice as long.
    expected = sum(p**k * (1 - p) * (2**k - 1) * 0.24 for k in range(1, 30))
    assert sum(draws) / len(draws) == pytest.approx(expected, rel=0.15)


def test_a_long_chunk_is_repaired_by_fast_retransmit() -> None:
    draws = [retransmission_s(100_000, 0.05, 0.04, Rng(seed)) for seed in range(200)]
    assert min(draw for draw in draws if draw) == pytest.approx(0.04)


def test_throughput_under_loss_is_mathis_bound() -> None:
    # 1448 B / 100 ms * sqrt(3 / (2 * 0.01)) = 177 kB/s
    assert bound_bytes_s(0.01, 0.1) == pytest.approx(177_343, rel=0.001)
    loss = stage("loss", ppm=10_000, rtt=100)
    for _ in range(100):
        loss.push(b"x" * 14_480, 0.0)
    due, _ = run(loss)[-1]
    assert 100 * 14_480 / due <= 177_400


KINDS = {
    "latency": {"latency": 20, "jitter": 60},
    "bandwidth": {"rate": 50},
    "slicer": {"average_size": 3, "size_variation": 1, "delay": 100},
    "slow_close": {"delay": 10},
    "loss": {"ppm": 200_000, "rtt": 10},
    "handshake": {"rtt": 50},
    "noop": {},
}


@given(
    kind=st.sampled_from(sorted(KINDS)),
    chunks=st.lists(st.binary(min_size=1, max_size=2000), max_size=20),
    gaps=st.lists(st.floats(0, 0.05), min_size=20, max_size=20),
    drain_at=st.floats(0, 1),
)
def test_a_stage_keeps_every_byte_in_order(
    kind: str, chunks: list[bytes], gaps: list[float], drain_at: float
) -> None:
    """Whatever has left and whatever is drained on removal are what went in."""
    subject, at = stage(kind, **KINDS[kind]), 0.0
    for chunk, gap in zip(chunks, gaps, strict=False):
        at += gap
        subject.push(chunk, at)
    subject.push(Mark.END, at)
    out = [item for _, item in run(subject, until=drain_at)] + subject.drain()
    assert b"".join(item for item in out if isinstance(item, bytes)) == b"".join(chunks)
    assert out.count(Mark.END) == 1
    assert out[-1] is Mark.END
    assert subject.size == 0


@given(kind=st.sampled_from(sorted(KINDS)), count=st.integers(1, 30))
def test_nothing_leaves_before_it_came_or_before_what_is_ahead(kind: str, count: int) -> None:
    subject = stage(kind, **KINDS[kind])
    for number in range(count):
        subject.push(b"x", number * 0.01)
    dues = [due for due, _ in run(subject)]
    assert dues == sorted(dues)
    assert all(due >= number * 0.01 for number, due in enumerate(dues))
