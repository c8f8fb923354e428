"""in_step: the machines that run are of one release, with the newest secrets."""

from __future__ import annotations

from collections import Counter

from sim.observe.events.releases import MachineBooted, SecretsChanged
from sim.observe.history import History
from sim.scenario.checks.check_spec import Finding, Params, check, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, choice


@check(
    "in_step",
    (Param("of", "of", choice("image", "secrets")),),
    summary="at the end of the time all machines that run have the same image and the newest "
    "secrets",
    takes="`of`: `image` or `secrets` alone",
)
def in_step(evidence: Evidence, params: Params) -> Finding:
    """Held where at the end of the window no machine that runs differs from the others.

    Secrets are read at boot: a machine that booted before the newest were set has older ones.
    """
    _, until_s = window(evidence, params)
    running = _running(evidence.history, until_s)
    if not running:
        return unknown("no machine ran at the end of this time")
    of = params.get("of")
    newest = max(
        (e.version for t, e in evidence.history.of(SecretsChanged) if t <= until_s),
        default=max(boot.secrets for boot in running),
    )
    images = Counter(boot.image for boot in running)
    behind = [boot for boot in running if boot.secrets < newest]
    observed, wrong = [], []
    if of != "secrets":
        observed.append(_counted("image", images))
        wrong += [f"{boot.machine} ({boot.region}) runs {boot.image}" for boot in running]
        if len(images) == 1:
            wrong = []
    if of != "image":
        observed.append(f"{len(running) - len(behind)} of {len(running)} have the newest secrets")
        wrong += [f"{boot.machine} ({boot.region}) has older secrets" for boot in behind]
    return Finding(not wrong, ", ".join(observed), "; ".join(wrong))


def _counted(noun: str, found: Counter[str]) -> str:
    if len(found) == 1:
        return f"one {noun}"
    return f"{len(found)} {noun}s: " + ", ".join(f"{n} x {name}" for name, n in found.items())


def _running(history: History, until_s: float) -> list[MachineBooted]:
    """What each machine that runs at an instant was booted with."""
    latest = {boot.machine: boot for t, boot in history.of(MachineBooted) if t <= until_s}
    return [
        boot
        for machine, boot in latest.items()
        if [c.state for t, c in history.machine_changes[machine] if t <= until_s][-1] == "started"
    ]
