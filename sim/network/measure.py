"""What a link's round trip really is: a probe through it, and whether that is what was asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from sim.clock import Clock
from sim.network.conditions import Conditions, LinkSpec

# Real, as all that processors do: so many times `speed` in simulated time.
_SETTLE_REAL_S = 0.002  # for the link server to dial on, after it has accepted
_ABSOLUTE_REAL_MS = 2.0
_SILENCE_REAL_MS = 50.0
_ANSWER_REAL_MS = 2000.0
_PATIENCE_REAL_S = 15.0  # for a busy machine to let a measurement through
_PAUSE_REAL_S = 0.05
_RELATIVE = 0.1
_AGAIN_AT_ONCE = 4  # a measurement is mostly waiting, and so few of them do not slow each other
_ANSWER_BYTES = 512  # of a probe's answer, that a narrow link has to carry


def turns_to_measure_again() -> asyncio.Semaphore:
    """What the links of a world share, so that they do not disturb each other (see `problem`)."""
    return asyncio.Semaphore(_AGAIN_AT_ONCE)


@dataclass(frozen=True)
class Measured:
    """What a measurement found: the `problem`, if there is one, and what the link really adds.

    `slow`: the problem is only that answers came late, as on a busy machine. `added_ms` is
    simulated, beyond the round trip that was asked for; None where none was measured.
    """

    problem: str | None = None
    slow: bool = False
    added_ms: float | None = None


class Refused(Exception):  # noqa: N818 - an outcome as good as any other
    """Nobody listens at the link."""


async def measure(
    spec: LinkSpec, clock: Clock, timeout_ms: float, *, past_link: bool = False
) -> float | None:
    """Simulated milliseconds from sending the probe to the first byte back; None without an answer.

    With `handshake` they count from the connection attempt, which is when a client of TCP starts
    to wait. Raises Refused, and OSError when the link breaks off or nothing is behind it.
    `past_link` asks the far end directly.
    """
    loop = asyncio.get_running_loop()
    endpoint = spec.upstream if past_link else spec.listen
    host, port = endpoint.host, endpoint.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(0)
        begun = clock.now()
        with contextlib.suppress(TimeoutError):
            async with clock.timeout(timeout_ms / 1000):
                try:
                    await loop.sock_connect(sock, (host, port))
                except ConnectionRefusedError as error:
                    raise Refused(f"{endpoint} refuses connections") from error
                if not spec.handshake:
                    await clock.sleep(_SETTLE_REAL_S * clock.speed)
                    begun = clock.now()
                await loop.sock_sendall(sock, spec.probe)
                if not await loop.sock_recv(sock, 1):
                    raise ConnectionError(f"nothing answers at {spec.upstream}")
                return (clock.now() - begun) * 1000
        return None


async def hold_against(
    spec: LinkSpec, conditions: Conditions, clock: Clock, turns: asyncio.Semaphore
) -> Measured:
    """Whether the link is as asked, as far as it has a probe.

    `turns` is shared by all links: measurements that look slow are repeated a few at a time.
    """
    if longer := _real_path_problem(conditions, clock.speed):
        return Measured(longer)
    if not spec.probe:
        return Measured()
    try:
        if conditions.cut:
            return Measured(await _problem_of_cut(spec, conditions, clock))
        return await _round_trip(spec, conditions, clock, turns)
    except Refused as error:
        return Measured(None if conditions.cut == "refusing" else str(error))
    except OSError as error:
        return Measured(f"the connection broke off: {error}")


def _real_path_problem(conditions: Conditions, speed: float) -> str | None:
    """No link can make up for a real path that is longer than what was asked for."""
    longest_ms = conditions.rtt_ms + _tolerance_ms(conditions, conditions.rtt_ms, speed)
    if conditions.real_ms <= longest_ms:
        return None
    return (
        f"asked for a round trip of {conditions.rtt_ms:g} ms, but the real path to that host"
        f" takes {conditions.real_ms:.1f} ms of the world's time: run it slower, ask for more, or"
        " choose a nearer host"
    )


async def _problem_of_cut(spec: LinkSpec, conditions: Conditions, clock: Clock) -> str | None:
    rtts = 2 if spec.handshake else 1
    answer = await measure(spec, clock, rtts * conditions.rtt_ms + _SILENCE_REAL_MS * clock.speed)
    if conditions.cut == "refusing":
        return "asked to refuse connections, but it accepts them"
    return f"asked to be silent, but it answered in {answer:.1f} ms" if answer is not None else None


async def _round_trip(
    spec: LinkSpec, conditions: Conditions, clock: Clock, turns: asyncio.Semaphore
) -> Measured:
    lowest, highest = bounds(spec, conditions, clock.speed)
    timeout_ms = 2 * highest + _ANSWER_REAL_MS * clock.speed
    fastest = await measure(spec, clock, timeout_ms)
    own_ms = 0.0  # what the far end itself takes to answer (a database forks for it)
    if (fastest is None or fastest > highest) and not conditions.loss_percent:
        # This machine's load only ever adds: the fastest of several is nearest to the truth.
        async with turns:
            through, past = [fastest], []
            until = clock.now() + _PATIENCE_REAL_S * clock.speed
            while clock.now() < until:
                through.append(await measure(spec, clock, timeout_ms))
                past.append(await measure(spec, clock, timeout_ms, past_link=True))
                fastest, own_ms = _least(through), _least(past) or 0.0
                if fastest is None or fastest - own_ms <= highest:
                    break
                await clock.sleep(_PAUSE_REAL_S * clock.speed)
    if fastest is not None and lowest <= fastest <= highest + own_ms:
        return Measured(added_ms=fastest - own_ms - _expected_ms(spec, conditions))
    if conditions.loss_percent and (fastest is None or fastest > highest):
        return Measured()  # a lost probe says nothing about the round trip
    asked = f"asked for a round trip of {conditions.rtt_ms:g} ms"
    if conditions.real_ms:
        asked += f", of which {conditions.real_ms:.1f} ms are a real path's beyond it"
    if spec.handshake:
        asked += f", so that an answer takes {_expected_ms(spec, conditions):g} ms from connecting"
    if fastest is None:
        return Measured(f"{asked}, but there was no answer within {timeout_ms:.0f} ms")
    measured = f"measured {fastest:.1f} ms"
    if own_ms:
        measured += f", of which the far end takes {own_ms:.1f} ms"
    near = f"{max(0.0, lowest):.1f} to {highest:.1f} ms is near enough"
    return Measured(f"{asked} ({near}), {measured}", slow=fastest > highest)


def _least(times_ms: Iterable[float | None]) -> float | None:
    return min((time for time in times_ms if time is not None), default=None)


def bounds(spec: LinkSpec, conditions: Conditions, speed: float) -> tuple[float, float]:
    """What a measurement may give: the round trip ± (2 real ms + 10 % + jitter)."""
    expected = _expected_ms(spec, conditions)
    tolerance = _tolerance_ms(conditions, expected, speed)
    narrow = 0.0
    if conditions.bandwidth_kbps:
        narrow = 8 * (len(spec.probe) + _ANSWER_BYTES) / conditions.bandwidth_kbps
    return expected - tolerance, expected + tolerance + narrow


def _tolerance_ms(conditions: Conditions, expected_ms: float, speed: float) -> float:
    return _ABSOLUTE_REAL_MS * speed + _RELATIVE * expected_ms + conditions.jitter_ms


def _expected_ms(spec: LinkSpec, conditions: Conditions) -> float:
    return conditions.added_ms * (2 if spec.handshake else 1)
