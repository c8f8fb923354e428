"""Why a promise was broken, as far as a journal tells it. Pure.

What is told of a message is where each copy went, what became of the process that took it, and
which ways were cut then; of a client, what its attempts met with. What the journal does not show
(the gateway's own code) is named as that, and never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sim.hunt.words import listed
from sim.observe.client_names import location_of
from sim.observe.events import Acked, LinkChanged, MachineChanged, MachineStopped
from sim.observe.history import History
from sim.observe.lives import Life, lives_of
from sim.observe.obstacles import Obstacles
from sim.observe.processes import asked_to_end
from sim.scenario.lasting import Lasting

_NOTICED_S = 1.0  # between a fault and what it does, or a stop and its being told, at most


def of_message(kind: str, session: str, seq: int, text: str, history: History) -> Iterator[str]:
    """How a message came to be lost, doubled or out of order; `text` is what the ledger found."""
    life = lives_of(history, {session}).get((session, seq))
    if life is None:
        return
    match kind:
        case "lost":
            yield from _lost(life, session, seq, history)
        case "duplicated":
            yield from _doubled(life, history)
        case "reordered":
            yield f"It was {text}: whoever stored them did not keep to the order of sending."


def _lost(life: Life, session: str, seq: int, history: History) -> Iterator[str]:
    t, acked = next((t, e) for t, e in history.of(Acked) if (e.session, e.seq) == (session, seq))
    if cut := _cut(history, acked.region, life.sent_t, t):
        when = "then" if _cut(history, acked.region, t) else "between the two"
        yield f"The way to what it stores with was cut {when} ({listed(cut)})."
    ended_s = asked_to_end(history, acked.machine, t)
    if ended_s is None or ended_s > history.end:
        yield "The process that acknowledged it ran on to the end, and it is not stored."
        return
    how = _how_it_ended(history, acked.machine, ended_s)
    when = f"{ended_s - t:.2f} s later" if ended_s > t else "just then"
    yield f"The process that acknowledged it {how} {when}, and the message was nowhere else."


def _doubled(life: Life, history: History) -> Iterator[str]:
    copies = [_copy(history, life.client, sending.t) for sending in life.sendings]
    if len(copies) > 1:
        yield (
            f"Its copies went to {listed(copies)}; the answer to the first never came"
            f"{_why_unanswered(history, life)}. Both are stored: who stored the later one did not"
            " look whether the message was there."
        )
        return
    yield (f"Its client sent it once, to {copies[0]}: the gateway stored it again by itself.")
    region = history.region_of(life.client, life.sent_t)
    until_s = history.end if life.acked_t is None else life.acked_t
    if region and (cut := _cut(history, region, life.sent_t, until_s)):
        yield (
            f"Meanwhile the way to what it stores with was cut ({listed(cut)}), so that the first"
            " answer of the store may not have come back."
        )


def of_forgotten(history: History) -> Iterator[str]:
    """Who acknowledged what the first session that was forgotten had, and what became of it."""
    forgot = ((t, e) for t, e in history.sessions if e.acked < e.remembered)
    t, ready = next(forgot, (0.0, None))
    answer = ready and history.last_answer(ready.client, ready.session, t)
    if not answer:
        return
    last_s, last = answer
    before = f"Message {last.seq} of it had been acknowledged at {last_s:.2f} s by {last.machine}"
    ended_s = asked_to_end(history, last.machine, last_s)
    if ended_s is not None and ended_s <= t:
        how = _how_it_ended(history, last.machine, ended_s)
        yield f"{before} in {last.region}, whose process {how} at {ended_s:.2f} s."
    else:
        yield f"{before} in {last.region}, whose process was still there."


def of_unserved(client: str, from_s: float, history: History) -> Iterator[str]:
    """What a client's attempts met with since it was served last, and whether a way was open."""
    met = Counter(
        f"{refusal.reason} ({refusal.region or 'no region'})"
        for t, refusal in history.refusals
        if refusal.client == client and t > from_s
    )
    ups = history.connected.get(client, ())
    stood = [(t, up) for t, up in ups if from_s < t <= history.end]
    if met:
        most = [f"{count} \N{MULTIPLICATION SIGN} {reason}" for reason, count in met.most_common(3)]
        yield f"Since {from_s:.2f} s {client} met with {listed(most)}."
    if stood:
        t, up = stood[-1]
        yield f"It was let in {len(stood)} times, last by {up.machine} at {t:.2f} s."
    obstacles = Obstacles()
    for at, change in history.among(*Obstacles.kinds):
        if at <= history.end and isinstance(change, LinkChanged | MachineChanged):
            obstacles.take(change)
    open_to = [r for r in sorted(history.regions) if not obstacles.between(location_of(client), r)]
    cut = [one for region in open_to for one in _cut(history, region, history.end)]
    if open_to and not cut:
        yield (
            f"At the end nothing was in its way: machines ran in {listed(open_to)}, and every way"
            " to and from them was open."
        )


# --- what the journal has of an instant ---


def _copy(history: History, client: str, t: float) -> str:
    """Where a message went: to whom its client was connected, and under which faults."""
    ups = [up for at, up in history.connected.get(client, ()) if at <= t]
    whom = f"{ups[-1].machine} in {ups[-1].region}" if ups else "nobody"
    faults = Lasting()
    for at, fault in history.faults:
        if at <= t:
            faults.take(at, fault)
    under = [f"{fault.fault} {fault.target}" for fault in faults.faults]
    return f"{whom} at {t:.2f} s" + (f" (during {listed(under)})" if under else "")


def _why_unanswered(history: History, life: Life) -> str:
    """How the connection ended that the first copy went out on."""
    ends = (
        (t, down)
        for t, down in history.disconnected.get(life.client, ())
        if life.sent_t <= t <= life.sendings[1].t
    )
    return next((f" ({down.reason}, at {t:.2f} s)" for t, down in ends), "")


def _how_it_ended(history: History, machine: str, ended_s: float) -> str:
    """Whether a process was told to end, was killed, or ended by itself."""
    for t, stop in history.of(MachineStopped):
        if stop.machine == machine and t - stop.took_s - _NOTICED_S <= ended_s <= t + _NOTICED_S:
            how = "was killed, having been sent" if stop.killed else "ended on"
            return f"{how} {stop.signal} ({stop.why})"
    faults = [(t, f) for t, f in history.faults if ended_s - _NOTICED_S <= t <= ended_s]
    return f"ended by {faults[-1][1].fault} {faults[-1][1].target}" if faults else "ended"


def _cut(history: History, region: str, t: float, until_s: float | None = None) -> list[str]:
    """The ways from a region to services that were not up at an instant, or at some time until."""
    found: dict[str, str] = {}
    for at, change in history.of(LinkChanged):
        if not change.link.startswith(f"{region}:") or at > max(t, until_s or t):
            continue
        if change.state != "up":
            found[change.link] = change.state
        elif at <= t:
            found.pop(change.link, None)
    return [f"{link} {state}" for link, state in found.items()]
