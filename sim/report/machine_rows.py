"""The rows of a report that are about machines: deploys, stops and deaths."""

from __future__ import annotations

from sim.observe.deaths import Death
from sim.observe.deploys import DeployRun
from sim.observe.history import History
from sim.observe.stops import Stop, in_words
from sim.report.figures import Document, rounded


def deploy_row(run: DeployRun) -> Document:
    """A deploy, and the connections that it dropped."""
    return {
        "release": run.release,
        "strategy": run.strategy,
        "from_s": rounded(run.began_s),
        "to_s": None if run.ended_s is None else rounded(run.ended_s),
        "outcome": run.outcome,
        "error": run.error or None,
        "machines": len(run.machines),
        "replaced": len(run.touched),
        "dropped": len(run.dropped),
        "dropped_by_location": dict(run.dropped_by_location),
        "goodbyes": dict(run.goodbyes.most_common()),
    }


def stop_row(stop: Stop, history: History) -> Document:
    """How a machine took being stopped. `real_s` are seconds of this host."""
    event = stop.event
    return {
        "machine": event.machine,
        "region": event.region,
        "at_s": rounded(stop.at_s),
        "by": event.why if stop.release is None else f"release {stop.release}",
        "release": stop.release,
        "signal": event.signal,
        "given_s": event.given_s,
        "given_real_s": rounded(event.given_s / history.speed),
        "took_s": rounded(event.took_s),
        "took_real_s": rounded(event.took_s / history.speed),
        "outcome": stop.outcome,
        "end": event.end,
        "open": stop.open,
        "story": in_words(event, history.own_speed, stop.open),
    }


def death_row(death: Death) -> Document:
    """A machine that died by itself, with its last words."""
    return {
        "machine": death.machine,
        "region": death.region,
        "at_s": rounded(death.at_s),
        "exit": death.end,
        "last_lines": list(death.last_lines),
        "error_line": death.error_line,
    }
