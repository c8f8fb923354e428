"""Bisecting: over commits that are numbers, and over a repository whose runs are made up."""

from __future__ import annotations

import asyncio
import re
import subprocess

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sim.apart import Ran
from sim.bisect import bisect
from sim.bisect.bisect import Bisect
from sim.bisect.commits import Commits
from sim.bisect.first_bad import first_bad
from sim.errors import InputError
from sim.rng import Rng
from sim.scenario.load_scenario import load_scenario
from tests.scenario.conftest import TOPOLOGY


@given(st.integers(2, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_the_first_bad_one_is_found_with_few_looks(case):
    count, broke = case
    looked = set()

    async def fails(number):
        looked.add(number)
        return number >= broke

    assert [*asyncio.run(first_bad(count, 1.0, fails))] == [broke]
    assert len(looked) <= count.bit_length()


@given(
    st.integers(3, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))),
    st.sets(st.integers(1, 39)),
)
def test_where_commits_cannot_be_decided_the_bad_one_is_among_those_told(case, dark):
    count, broke = case
    dark = dark - {0, count - 1}

    async def fails(number):
        return None if number in dark else number >= broke

    found = asyncio.run(first_bad(count, 1.0, fails))
    assert broke in found
    assert all(number in dark for number in [*found][:-1])


@pytest.mark.parametrize("seed", range(5))
def test_a_failure_that_comes_by_chance_is_found_with_repeats(seed):
    rng = Rng(seed)

    async def fails(number):
        return number >= 20 and rng.random() < 0.7

    (found,) = asyncio.run(first_bad(32, 0.7, fails))
    assert found == 20


@pytest.fixture
def repository(tmp_path):
    """A repository, and its commits: in each `gateway.py` says which it is."""
    folder = tmp_path / "app"
    folder.mkdir()

    def git(*words):
        named = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        command = ["git", *named, *words]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    commits = []
    for number in range(8):
        (folder / "gateway.py").write_text(f"release = {number}\n")
        git("add", ".")
        git("commit", "-qm", f"release {number}")
        commits.append(git("rev-parse", "HEAD"))
    (folder / "sim").mkdir()
    (folder / "sim" / "topology.yaml").write_text(yaml.safe_dump(TOPOLOGY))
    text = "topology: topology.yaml\nduration: 60s\n"
    (folder / "sim" / "scenario.yaml").write_text(text)
    return folder, commits


def going(folder, scratch, monkeypatch, verdict_of, tell=lambda _: None):
    async def run_apart(scenario, _arguments, _files, _modules):
        load_scenario(scenario)  # today's files lie in the commit's tree
        said = (scenario.parents[1] / "gateway.py").read_text()
        return Ran({"verdict": verdict_of(int(said.split("=")[1]))})

    monkeypatch.setattr(bisect, "run_apart", run_apart)
    scenario = load_scenario(folder / "sim" / "scenario.yaml")
    return Bisect(Commits(scenario), scratch, 1, (), tell)


async def test_a_repository_is_bisected_and_left_as_it_was(repository, tmp_path, monkeypatch):
    folder, commits = repository
    told: list[str] = []
    of = going(
        folder,
        tmp_path / "scratch",
        monkeypatch,
        lambda n: "failed" if n >= 5 else "held",
        told.append,
    )
    (found,) = await of.run(commits[0], commits[7])
    assert found.endswith("release 5")
    assert told[1].startswith(commits[0][:7])
    assert re.search(r": held; about \d+ s left$", told[1])
    assert not [*(folder / ".git" / "worktrees").glob("*")]


@pytest.mark.parametrize(
    ("ends", "verdict", "problem"),
    [
        ((7, 0), "held", "does not follow"),
        ((0, 7), "held", "the bad one failed 0 of 5"),
        ((0, 7), "failed", "the good one failed 5 of 5"),
        ((0, 7), "unknown", "the good one was unknown each time"),
    ],
)
async def test_ends_that_are_none_are_told(repository, monkeypatch, ends, verdict, problem):
    folder, commits = repository
    of = going(folder, folder.parent / "scratch", monkeypatch, lambda _: verdict)
    with pytest.raises(InputError, match=problem):
        await of.run(*(commits[end] for end in ends))


async def test_a_name_that_is_no_commit_is_told(repository, tmp_path, monkeypatch):
    folder, commits = repository
    of = going(folder, tmp_path / "scratch", monkeypatch, lambda _: "held")
    with pytest.raises(InputError, match="git rev-parse"):
        await of.run("v0", commits[7])
