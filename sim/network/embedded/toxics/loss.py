"""loss: packets are lost, which on a TCP stream is delay and lower throughput.

TCP never loses a byte, so a lost segment shows as the time its retransmission takes, and
everything behind it waits (head-of-line blocking):

- With at least three segments behind it, fast retransmit repairs it after one round trip
  (RFC 5681, 3.2). Chunks of four segments and more are taken to be of this kind.
- Otherwise the retransmission timer does: RTO = SRTT + 4 RTTVAR, at least the 200 ms of Linux,
  doubled with every further loss of the same segment (RFC 6298, 2 and 5.5). With a steady round
  trip RTTVAR is near 0 and its floor gives RTO = RTT + 200 ms (tcp_rto_min bounds 4 RTTVAR).
- Throughput is bounded by MSS / RTT * sqrt(3 / (2 p)): Mathis, Semke, Mahdavi, Ott, "The
  Macroscopic Behavior of the TCP Congestion Avoidance Algorithm", SIGCOMM CCR 27(3), 1997.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from sim.network.embedded.toxics.base import Context, Item, Stage, Toxic, attribute, toxic
from sim.rng import Rng

MSS_BYTES = 1448  # Ethernet's 1500 less IPv4, TCP and the timestamp option
RTO_MIN_S = 0.2
RTO_MAX_S = 120.0
_FAST_RETRANSMIT_SEGMENTS = 4
_MIN_RTT_S = 0.001


@toxic(
    "loss",
    summary="the delays of retransmission, and the throughput bound of TCP, under that share of"
    " lost packets",
    stock=False,
)
@dataclass(frozen=True)
class Loss(Toxic):
    """The socket sees a stream under `ppm` lost packets in a million at a round trip of `rtt` ms.

    Not in stock Toxiproxy.
    """

    ppm: int = attribute("in a million")
    rtt: int = attribute("ms")

    def stage(self, context: Context) -> Stage:
        """A sender that retransmits."""
        return _Retransmission(self, context)


def bound_bytes_s(probability: float, rtt_s: float) -> float:
    """The most that TCP carries under that loss (Mathis et al.)."""
    if probability <= 0:
        return math.inf
    return MSS_BYTES / max(rtt_s, _MIN_RTT_S) * math.sqrt(1.5 / probability)


def retransmission_s(length: int, probability: float, rtt_s: float, rng: Rng) -> float:
    """How much later a chunk of that many bytes is complete, drawn for one chunk."""
    segments = max(1, math.ceil(length / MSS_BYTES))
    if rng.random() >= 1 - (1 - probability) ** segments:
        return 0.0
    timer, delay = rtt_s + RTO_MIN_S, 0.0
    if segments >= _FAST_RETRANSMIT_SEGMENTS:
        delay = rtt_s
        if rng.random() >= probability:
            return delay
    while delay < RTO_MAX_S:
        delay += timer
        timer *= 2
        if rng.random() >= probability:  # this retransmission arrives
            break
    return delay


class _Retransmission(Stage):
    def __init__(self, toxic: Loss, context: Context) -> None:
        super().__init__()
        self._toxic = toxic
        self._context = context
        self._free_at = 0.0
        self._costs: deque[tuple[float, float]] = deque()  # of the held items: late, on the line

    def update(self, toxic: Loss, now: float) -> None:  # noqa: ARG002 - for what comes next
        self._toxic = toxic

    def push(self, item: Item, at: float) -> None:
        probability = min(1_000_000, max(0, self._toxic.ppm)) / 1_000_000
        late = on_line = 0.0
        if probability:
            length = len(item) if isinstance(item, bytes) else 0
            rtt_s = self._toxic.rtt / 1000
            late = retransmission_s(length, probability, rtt_s, self._context.rng())
            on_line = length / bound_bytes_s(probability, rtt_s)
        self._costs.append((late, on_line))
        super().push(item, at)

    def due(self, at: float, item: Item) -> float:  # noqa: ARG002 - a FIN is a segment too
        late, on_line = self._costs[0]
        return max(at + late, self._free_at) + on_line

    def pop(self, now: float) -> tuple[float, Item] | None:
        left = super().pop(now)
        if left:
            self._free_at = left[0]
            self._costs.popleft()
        return left

    def drain(self) -> list[Item]:
        self._costs.clear()
        return super().drain()
