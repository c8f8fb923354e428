"""How many runs a guided search needs until it meets a wall's fault, beside drawing at random.

python -m bench.hunt --only "acknowledges early" "dedupes in memory" --most 20 --seeds 2
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from bench.common import machine
from sim.hunt import learned
from sim.hunt.grammar import MOST_STRIKES, Grammar, blows
from sim.hunt.learned import Lesson
from sim.hunt.search import Search
from sim.hunt.strike import Plan
from sim.hunt.trial import Trials
from sim.rng import Rng
from sim.scenario.load_scenario import load_scenario
from tests.wall import storm

# What each gateway of the wall must be found by; those that only the storm's own checks tell are
# left out, for a hunt is not told of them.
SYMPTOMS = {
    "acknowledges early": "lost",
    "swallows errors": "lost",
    "loses the tail of a batch": "lost",
    "remembers locally": "forgotten",
    "forgets to fence": "duplicated",
    "retries blindly": "duplicated",
    "dedupes in memory": "duplicated",
    "handles messages at once": "reordered",
    "keeps a dead pool": "never-served-again",
    "blocked, and says healthy": "never-served-again",
    "never lets anybody back in": "never-served-again",
    "leaks": "died-killed by SIGABRT",
}


async def runs_needed(gateway: str, seed: int, most: int, *, guided: bool) -> int | None:
    """Tries until the gateway's own symptom was seen, the undisturbed run included; None: never."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = {k: v for k, v in storm.scenario(gateway, "json").items() if k != "timeline"}
        (folder / "topology.yaml").write_text(yaml.safe_dump(storm.topology(gateway)))
        (folder / "scenario.yaml").write_text(yaml.safe_dump(told))
        scenario = load_scenario(folder / "scenario.yaml")
        trials = Trials(scenario, folder / "runs", ())
        tried = await trials.run(Plan((), scenario.load.clients), seed, "try")
        history = tried.history()
        clients = scenario.load.clients
        grammar = Grammar(
            blows(scenario.topology),
            learned.moments(history),
            clients,
            learned.way_s(history),
        )
        rng = Rng(seed).fork("hunt")
        search = Search(grammar, learned.support(history, scenario.topology), rng)
        plan: Callable[[], Plan] = search.next
        if not guided:
            plan = lambda: grammar.plan(rng, rng.randint(1, MOST_STRIKES))  # noqa: E731
        for run in range(1, most + 1):
            if SYMPTOMS[gateway] in [symptom.name for symptom in tried.symptoms]:
                return run
            lesson = learned.lesson(tried.history()) if tried.report else Lesson()
            search.learn(tried.plan, lesson)
            tried = await trials.run(plan(), seed + run, "try")
        return None


def main() -> None:
    """A row for each gateway and seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[*SYMPTOMS], choices=[*SYMPTOMS])
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    print(f"Runs until a wall's fault is met, at most {asked.most}, on {machine()}.\n")
    print("| gateway | seed | hunt | at random |\n|---|---|---|---|", flush=True)
    for gateway in asked.only:
        for seed in range(1, asked.seeds + 1):
            found: Sequence[int | None] = [
                asyncio.run(runs_needed(gateway, seed, asked.most, guided=guided))
                for guided in (True, False)
            ]
            cells = [str(runs or f"over {asked.most}") for runs in found]
            print(f"| {gateway} | {seed} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
