"""outage: how long the worst client of a location was cut off."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from sim.clients.load_spec import PERSONALITIES
from sim.observe.history import History
from sim.observe.outages import Outage
from sim.observe.overtaken import overtaken
from sim.observe.retransmission import FIRST_REAL_S
from sim.scenario.checks.check_spec import (
    LOCATION,
    Finding,
    Params,
    check,
    counted,
    unknown,
    window,
)
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, choice, read_seconds


@check(
    "outage",
    (
        LOCATION,
        Param("max", "max_s", read_seconds, said="at most {} s"),
        Param("min", "min_s", read_seconds, said="at least {} s"),
        Param("longer_than", "longer_than_s", read_seconds, said="of those longer than {} s"),
        Param("resolver", "resolver", choice(*PERSONALITIES)),
    ),
    one_of=("max", "min"),
    summary="the longest outage of a client there is within bounds",
    takes="`location`, `max` and/or `min`; `longer_than`: shorter ones do not count; "
    "`resolver` for the clients of one personality",
)
def outage(evidence: Evidence, params: Params) -> Finding:
    """Held where the longest outage is at most `max_s` and at least `min_s`.

    Unknown where it is longer than `max_s` only with what the host kept its path waiting, or what
    TCP's own timers and a machine's boot may have added at this speed; and where it is not longer
    only because the host let DNS be quicker than a client.

    Those of `longer_than_s` and less do not count. `resolver` narrows it to the clients whose
    resolver has that personality.
    """
    location, resolver = params["location"], params.get("resolver")
    history = evidence.history
    clients = {
        client
        for client in history.clients_of(location)
        if resolver in (None, history.resolvers.get(client))
    }
    served = not clients.isdisjoint(history.answered)
    of = f"{location} with a {resolver} resolver" if resolver else location
    if not served and not _reached(history, clients):
        return unknown(f"no client of {of} was ever served, and no machine turned one down")
    from_s, until_s = window(evidence, params)
    hit = [
        outage
        for outage in evidence.outages
        if outage.client in clients and outage.from_s < until_s and outage.to_s > from_s
    ]
    floor_s = params.get("longer_than_s") or 0.0
    counting = [outage for outage in hit if outage.seconds > floor_s]
    worst = max(counting, key=lambda outage: outage.seconds, default=None)
    seconds = worst.seconds if worst else 0.0
    most, least = params.get("max_s"), params.get("min_s")
    certain_s = max((o.certain_s for o in counting if o.certain_s > floor_s), default=0.0)
    too_long = most is not None and certain_s > most
    undecided = most is not None and certain_s <= most < seconds
    too_short = least is not None and seconds < least
    why = anatomy(worst) if worst else ""
    if too_short:
        why = why or "nobody was cut off"
    shorter = len(hit) - len(counting)
    observed = f"{seconds:.1f} s"
    if shorter:
        observed += f" ({counted(shorter, 'shorter outage')} not counted)"
    if worst and undecided and not too_short:
        return Finding(None, observed, "; ".join([*_doubts(history, worst), why]))
    lucky = [gap for gap in counting if overtaken(history, gap)]
    longer_s = max((gap.seconds + _wrong_for_s(evidence) for gap in lucky), default=0.0)
    if too_short and longer_s >= (least or 0.0):
        return Finding(None, observed, f"{_overtook(history, lucky[0], longer_s)}; {why}")
    if most is not None and not too_long and longer_s > most:
        return Finding(None, observed, f"{_overtook(history, lucky[0], longer_s)}; {why}")
    if not served:
        why = f"no client of {of} was ever served; {why}" if why else ""
        if not too_long:
            return unknown(f"no client of {of} was ever served")
    return Finding(not too_long and not too_short, observed, why)


def _doubts(history: History, gap: Outage) -> Iterator[str]:
    """What of a gap may not be the gateway's."""
    if gap.starved or gap.host_s:
        yield _host(history, gap)
    if gap.idle_s:
        yield _idle(gap)
    if gap.tcp_s:
        least_s = FIRST_REAL_S * history.speed
        yield (
            f"of {gap.seconds:.1f} s up to {gap.tcp_s:.1f} s may be TCP's: what a silent link"
            f" swallowed is sent again after {FIRST_REAL_S:g} s of real time at the earliest, which"
            f" are {least_s:g} s at speed {history.speed:g}. Run it at a lower speed"
        )
    if gap.boot_s:
        yield (
            f"of {gap.seconds:.1f} s up to {gap.boot_s:.1f} s may be a machine's that booted: what"
            f" it computes counts {history.speed:g} times at this speed. Run it at a lower one"
        )


def _idle(gap: Outage) -> str:
    """That a client did not ask to be served."""
    return (
        f"for {gap.idle_s:.1f} s of {gap.seconds:.1f} s {gap.client} sent nothing beyond its pace,"
        " and nothing that it had sent waited for an answer: have its driver send each `every`"
        " (`client.pace`), or give the load the `every` that it keeps"
    )


def _wrong_for_s(evidence: Evidence) -> float:
    """How long a client keeps an answer that has just become wrong."""
    routing = evidence.topology.routing
    if routing.mode != "geodns":
        return 0.0
    return routing.ttl_s if routing.min_ttl_s is None else routing.min_ttl_s


def _overtook(history: History, gap: Outage, longer_s: float) -> str:
    """That a client may only have been led away at once because it noticed late."""
    return (
        f"this machine was busy: {gap.client} noticed so late that DNS had left {gap.region} by"
        f" then, and might have kept the wrong answer, for up to {longer_s:.1f} s in all. Run it"
        f" with less beside it, or at a lower speed than {history.speed:g}"
    )


def _host(history: History, gap: Outage) -> str:
    """What the host kept waiting in a gap, and what would have helped."""
    parts = history.noise.by_part(gap.from_s, gap.to_s)
    named = ", ".join(f"{part} {s / history.speed:.2f} s" for part, s in list(parts.items())[:3])
    # Who waits could have run: on average so many processors more would have been in use.
    more = math.ceil(sum(parts.values()) / gap.seconds)
    spoilt = "all of it" if gap.starved else f"up to {gap.host_s:.1f} s"
    return (
        f"this machine was busy: of {gap.seconds:.1f} s {spoilt} may be the host's, which kept"
        f" waiting for a processor (real time): {named}. Run it with less beside it, with"
        f" {counted(more, 'more core')}, at a lower speed than {history.speed:g}, or with fewer"
        " clients"
    )


def _reached(history: History, clients: Collection[str]) -> bool:
    """Whether it was the gateway that served nobody, or a fault: else it may be us.

    Where clients got through to no machine before the first fault, it was not the fault.
    """
    first_fault_s = history.faults[0][0] if history.faults else 0.0
    failed_before = any(
        t < first_fault_s for client in clients for t, _ in history.connect_failed.get(client, ())
    )
    return (bool(history.faults) and not failed_before) or any(
        history.connected.get(client)
        or any(failed.machine for _, failed in history.connect_failed.get(client, ()))
        for client in clients
    )


def anatomy(outage: Outage) -> str:
    """Where an outage's time went, in words."""
    parts = [
        f"{name} {seconds:.1f} s"
        for name, seconds in (
            ("detection", outage.detection_s),
            ("DNS cache", outage.dns_s),
            ("recovery", outage.recovery_s),
            ("reconnect", outage.reconnect_s),
        )
        if seconds >= 0.05
    ]
    end = f"until {outage.to_s:.1f} s" if outage.to_region else "not over when the run ended"
    return f"{outage.client} from {outage.from_s:.1f} s {end}: " + " + ".join(parts)
