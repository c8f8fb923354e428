"""deploy: how deploys ended, and how many connections they dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sim.observe.deploys import DeployRun
from sim.observe.stops import Stop
from sim.scenario.checks.check_spec import Finding, Params, check, counted, unknown, window
from sim.scenario.evidence import Evidence
from sim.scenario.params import Param, choice, read_count


@check(
    "deploy",
    (
        Param("outcome", "outcome", choice("done", "failed")),
        Param("max", "max_dropped", read_count, said="at most {} dropped"),
        Param("min", "min_dropped", read_count, said="at least {} dropped"),
    ),
    one_of=("outcome", "max", "min"),
    summary="how every deploy ended, and how many connections they dropped in all",
    takes="one of `outcome` (`done`, `failed`), `max`, `min`",
)
def deploy(evidence: Evidence, params: Params) -> Finding:
    """Held where every deploy that began then ended as `outcome` says, within the bounds.

    `max_dropped` and `min_dropped` are of all of them together.
    """
    from_s, until_s = window(evidence, params)
    deploys = [deploy for deploy in evidence.deploys if from_s <= deploy.began_s < until_s]
    if not deploys:
        return unknown("there was no deploy")
    if unfinished := [deploy for deploy in deploys if deploy.outcome is None]:
        return unknown(f"the deploy of release {unfinished[0].release} was not over at the end")
    dropped = sum(len(deploy.dropped) for deploy in deploys)
    most, least = params.get("max_dropped"), params.get("min_dropped")
    wrong = [d for d in deploys if params.get("outcome") not in (None, d.outcome)]
    held = not wrong and (most is None or dropped <= most) and (least is None or dropped >= least)
    ended = " and ".join(dict.fromkeys(str(deploy.outcome) for deploy in deploys))
    observed = f"{ended}, {counted(dropped, 'connection')} dropped"
    stories = (_story(deploy, evidence.stops) for deploy in wrong or deploys)
    return Finding(held, observed, "; ".join(stories))


def _story(deploy: DeployRun, stops: Sequence[Stop]) -> str:
    """What a deploy did, in words."""
    of_it = Counter(stop.outcome for stop in stops if stop.release == deploy.release)
    where = ", ".join(f"{count} of {place}" for place, count in deploy.dropped_by_location.items())
    words = [
        f"release {deploy.release} ({deploy.strategy}) at {deploy.began_s:.1f} s",
        f"{len(deploy.touched)} of {counted(len(deploy.machines), 'machine')} replaced",
    ]
    words += [f"dropped {where}"] if where else []
    words += [f"{of_it['undrained']} did not drain"] if of_it["undrained"] else []
    words += [f"{of_it['killed']} killed while draining"] if of_it["killed"] else []
    words += [deploy.error.splitlines()[0]] if deploy.error else []
    return ", ".join(words)
