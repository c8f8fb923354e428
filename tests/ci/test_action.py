"""action.yml and the files to copy: well-formed, and run as far as that is possible here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
WORKFLOWS = [
    *sorted((ROOT / "ci/github").glob("*.yml")),
    *sorted((ROOT / ".github/workflows").glob("*.yml")),
]
HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]


def step(name):
    """The shell script of a step of the action."""
    (found,) = [one["run"] for one in ACTION["runs"]["steps"] if one.get("name") == name]
    return found


@pytest.fixture
def fake_sim(tmp_path):
    """A `sim` in a folder of its own, which ends with the code in a scenario's name."""
    fake = '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = --summary ] && echo "said of $file" > "$2"\n'
    fake += '[ "$1" = run ] && file=$2; shift; done\nexit "$(echo "$file" | tr -dc 0-9)"\n'
    return program(tmp_path, fake)


@pytest.fixture
def real_sim(tmp_path):
    """The `sim` of these sources, in a folder of its own."""
    return program(tmp_path, f'#!/bin/sh\nexec {sys.executable} -m sim "$@"\n')


def program(folder, text):
    (folder / "bin").mkdir()
    (folder / "bin/sim").write_text(text)
    (folder / "bin/sim").chmod(0o755)
    return folder / "bin"


@pytest.fixture
def run_step(tmp_path):
    """Runs the step that runs scenarios, with the `sim` in that folder."""

    def run(programs, scenarios, *names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("")
        told = {key: tmp_path / key for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        variables = {
            "SCENARIOS": scenarios,
            "RUNTIME": "process",
            "SPEED": "auto",
            "SEED": "7",
            "SECRETS_FILE": "",
            "RUNNER_TEMP": str(tmp_path),
            **{key: str(path) for key, path in told.items()},
            "PATH": f"{programs}:{os.environ['PATH']}",
        }
        script = [
            "bash",
            "--noprofile",
            "--norc",
            "-eo",
            "pipefail",
            "-c",
            step("Run the scenarios"),
        ]
        done = subprocess.run(
            script, cwd=tmp_path, env=variables, check=False, capture_output=True, text=True
        )
        outputs = dict(
            line.split("=", 1) for line in told["GITHUB_OUTPUT"].read_text().splitlines()
        )
        summary = told["GITHUB_STEP_SUMMARY"]
        return done, outputs, summary.read_text() if summary.exists() else ""

    return run


@pytest.fixture
def scenarios(tmp_path):
    """A folder `sim` with a scenario that holds."""
    shutil.copytree(ROOT / "topologies/outages", tmp_path / "sim")
    (tmp_path / "sim/crash.yaml").write_text(
        "topology: two-regions.yaml\nload: {clients: 4}\nduration: 5s\n"
        "expect: [{check: outage, location: london, max: 0s}]\n"
    )


@pytest.mark.parametrize(
    ("codes", "code", "verdict"),
    [
        ([0, 0], 0, "held"),
        ([0, 4], 4, "unknown"),
        ([4, 1, 0], 1, "failed"),
        ([1, 3], 3, "error"),
        ([70], 70, "error"),
    ],
)
def test_the_worst_scenario_decides(run_step, fake_sim, codes, code, verdict):
    names = [f"sim/{letter}-{number}.yaml" for letter, number in zip("abc", codes, strict=False)]
    done, outputs, summary = run_step(fake_sim, "sim/*.yaml", *names)
    assert (done.returncode, outputs["verdict"]) == (code, verdict), done.stderr
    assert summary.splitlines() == [f"said of {name}" for name in names]
    assert done.stdout.count("::error file=") == sum(number != 0 for number in codes)


def test_a_pattern_that_matches_nothing_is_an_error(run_step, fake_sim):
    done, outputs, _ = run_step(fake_sim, "sim/*.yaml")
    assert (done.returncode, outputs["verdict"]) == (2, "error")
    assert "no file matches sim/*.yaml" in done.stdout


@pytest.mark.e2e
@pytest.mark.thorough
def test_the_step_runs_as_it_stands(run_step, real_sim, scenarios):
    done, outputs, summary = run_step(real_sim, "sim/crash.yaml")
    assert (done.returncode, outputs["verdict"]) == (0, "held"), done.stdout + done.stderr
    assert "held" in summary
    made = {path.name for path in Path(outputs["reports"]).iterdir()}
    assert made == {f"sim-crash.{form}" for form in ("html", "xml", "json", "md", "logs")}
    assert [*Path(outputs["reports"], "sim-crash.logs").glob("iad-*.log")]


def test_a_step_uses_inputs_that_there_are_and_all_of_them():
    text = (ROOT / "action.yml").read_text()
    assert {*re.findall(r"inputs\.([a-z-]+)", text)} == {*ACTION["inputs"]}
    page = (ROOT / "docs/ci.md").read_text()
    for name in ACTION["inputs"]:
        assert f"`{name}`" in page, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_gives_the_action_inputs_that_it_has(path):
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for one in job["steps"]:
            if "multi-region-sim@" in one.get("uses", ""):
                assert one["with"].keys() <= ACTION["inputs"].keys()


@pytest.mark.thorough  # Go builds it first
def test_actionlint_has_nothing_to_say():
    built = subprocess.run(
        ["sh", str(ROOT / "tests/ci/install_actionlint.sh")],
        check=False,
        capture_output=True,
        text=True,
    )
    if built.returncode:
        pytest.skip(built.stderr.strip().splitlines()[-1])
    files = [str(path) for path in WORKFLOWS]
    done = subprocess.run(
        [built.stdout.strip(), *files], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_hook_looks_at_what_sim_init_writes_and_at_nothing_else():
    for name in ("sim/crash.yaml", "gateway/sim/topology.yml"):
        assert re.search(HOOK["files"], name)
    for name in (
        "docker-compose.yml",
        "sim/schema/driver.json",
        "simulation/a.yaml",
        "sim/a/b.yaml",
    ):
        assert not re.search(HOOK["files"], name)
    command = [sys.executable, "-m", *HOOK["entry"].split(), ROOT / "topologies/atlas-voice.yaml"]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.e2e
@pytest.mark.thorough
def test_the_gitlab_job_runs_as_it_stands(tmp_path, scenarios):
    job = yaml.safe_load((ROOT / "ci/gitlab.yml").read_text())["failover"]
    line = re.sub(r"\S+/bin/sim ", f"{sys.executable} -m sim ", "\n".join(job["script"]))
    done = subprocess.run(
        ["bash", "-ec", line],
        cwd=tmp_path,
        env={**os.environ, **job["variables"]},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / job["artifacts"]["reports"]["junit"]).read_text().startswith("<?xml")
