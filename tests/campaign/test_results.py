"""Results on disk: going on, merging, and what stays of each run."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import xmlschema

from sim.campaign import campaign_forms, campaign_junit, campaign_page, campaign_summary
from sim.campaign.matrix import cells
from sim.campaign.merge import merged, pages, report_of
from sim.campaign.results import About, Results
from sim.campaign.shard import Shard
from sim.errors import InputError
from sim.topology.settings import setting_of
from tests.campaign.conftest import TTL

JUNIT = Path(__file__).parents[1] / "report" / "junit.xsd"
WHOLE = Shard()


@pytest.fixture
def asked(campaign):
    return campaign(name="what a <TTL> costs", seeds=4, vary=TTL)


@pytest.fixture
def done(tmp_path, asked, row):
    """Results of a shard; cell 3 failed and cell 10 is unknown."""

    def done(shard=WHOLE, *, leave_out=(), **changes):
        about = About(asked, shard, "digest")
        results = Results.begin(tmp_path / f"of-{shard.number}-{shard.of}", about)
        for cell in shard.part(cells(asked)):
            if cell.index in leave_out:
                continue
            given = {3: "failed", 10: "unknown"}.get(cell.index, "held")
            why = [] if given == "held" else [f"because of {cell.index} & <more>"]
            files = results.cell(cell.id)
            files.mkdir(parents=True)
            (files / "report.html").write_text("a page")
            results.keep(row(cell, verdict=given, why=why, **changes))
        return results

    return done


def text(document):
    return json.dumps(document)


def test_eight_shards_have_the_report_of_one_run(done):
    whole = done()
    parts = [done(Shard(number, 8)) for number in (3, 1, 8, 2, 7, 4, 6, 5)]
    one, eight = report_of(whole), merged(parts)
    assert text(one) == text(eight) == text(merged([whole]))
    for form in (campaign_junit, campaign_summary):
        assert form.render(one) == form.render(eight)
    assert campaign_page.render(one, {}) == campaign_page.render(eight, {})
    assert one["verdict"] == "failed"
    assert (one["runs"], one["held"], one["failed"], one["unknown"]) == (24, 22, 1, 1)


def test_a_missing_shard_is_said_and_nothing_holds(done):
    parts = [done(Shard(number, 3)) for number in (2, 3)]  # the failed cell 3 is of the first
    document = merged(parts)
    assert document["verdict"] == "unknown"
    assert document["missing_because"] == ["shard 1/3 is missing, with 8 runs"]
    assert document["missing"] == 8
    assert "shard 1/3 is missing" in campaign_page.render(document, {})
    assert "shard 1/3 is missing" in campaign_summary.render(document)


def test_a_shard_that_did_not_finish_is_said(done):
    parts = [done(Shard(1, 2), leave_out=(0, 2)), done(Shard(2, 2))]
    assert merged(parts)["missing_because"] == [
        "shard 1/2 was not finished: 2 of 12 runs are missing"
    ]


def test_a_cell_of_two_folders_counts_once_and_the_worse_is_believed(tmp_path, asked, row, done):
    again = Results.begin(tmp_path / "again", About(asked, Shard(), "digest"))
    first = next(cells(asked))
    again.keep(row(first, verdict="failed"))
    document = merged([done(), again])
    assert (document["runs"], document["failed"]) == (24, 2)


@pytest.mark.parametrize("change", ["campaign", "inputs", "version"])
def test_results_of_something_else_are_refused(tmp_path, asked, campaign, done, change):
    given = {"campaign": asked, "inputs": "digest"}
    given |= {change: campaign(seeds=2) if change == "campaign" else "another"}
    about = About(shard=WHOLE, **given)
    other = Results.begin(tmp_path / "other", about)
    whole = done()
    with pytest.raises(InputError, match="has the results of"):
        merged([whole, other])
    with pytest.raises(InputError, match="has the results of"):
        Results.resume(whole.folder, about)


def test_a_folder_with_results_is_not_begun_again(done, asked):
    whole = done()
    with pytest.raises(InputError, match="--resume"):
        Results.begin(whole.folder, About(asked, Shard(), "digest"))
    with pytest.raises(InputError, match="not of 2/3"):
        Results.resume(whole.folder, About(asked, Shard(2, 3), "digest"))


def test_it_goes_on_after_half_a_line(done, asked, row):
    whole = done(leave_out=(5,))
    lines = whole.folder / "results.jsonl"
    with lines.open("a") as file:
        file.write('{"cell": "abc')
    again = Results.resume(whole.folder, whole.about)
    cell = [*cells(asked)][5]
    assert cell.id not in {r["cell"] for r in again.rows()}
    again.keep(row(cell))
    assert len([*again.rows()]) == 24
    assert report_of(again)["missing"] == 0


def test_a_run_again_takes_the_place_of_the_first(done, asked, row):
    whole = done()
    cell = [*cells(asked)][10]
    whole.keep(row(cell, alone=True))
    document = report_of(whole)
    assert (document["runs"], document["unknown"], document["held"]) == (24, 0, 23)


def test_files_stay_of_what_did_not_hold_and_of_the_worst_that_did(done, asked):
    whole = done()
    found = [*cells(asked)]
    held = [cell for cell in found if cell.index not in (3, 10)]
    # Sixty seconds of TTL and the fourth seed: the longest, and the first of two that are equal.
    worst = next(c for c in held if c.settings["routing.ttl"] == "60s" and c.seed == 4)
    assert set(pages([whole])) == {found[3].id, found[10].id, worst.id}


def test_junit_is_as_its_readers_have_it(done):
    xml = campaign_junit.render(report_of(done()))
    xmlschema.XMLSchema(JUNIT).validate(xml)
    assert xml.count("<failure") == xml.count("<error") == 1
    assert xml.count("<testcase") == 24


def test_the_page_says_names_as_text_and_leads_to_the_worst_run(done, tmp_path):
    whole = done()
    document = report_of(whole)
    campaign_forms.write(document, pages([whole]), {"html": tmp_path / "page.html", "json": None})
    html = (tmp_path / "page.html").read_text()
    assert "<TTL>" not in html
    assert f'href="of-1-1/cells/{document["worst"]["cell"]}/report.html"' in html
    assert html.count("<svg") == len(document["varied"]) == 2
    assert html.count("because of 3 &amp; &lt;more&gt;") >= 2


def test_the_worst_run_can_be_run_again_by_its_command(done, asked):
    worst = report_of(done())["worst"]
    words = shlex.split(worst["again"])
    cell = [*cells(asked)][3]
    assert (worst["cell"], worst["verdict"]) == (cell.id, "failed")
    assert words[:3] == ["sim", "run", cell.scenario]
    settings = dict(map(setting_of, (words[k + 1] for k, w in enumerate(words) if w == "--set")))
    assert settings == cell.settings


def test_what_each_value_does_has_its_interval_over_seeds(done):
    ttl, interval = report_of(done())["varied"]
    assert [value["value"] for value in ttl["values"]] == ["5s", "30s", "60s"]
    assert [value["outage_s"] for value in ttl["values"]] == [
        {"mean": 10 + s + 2.5, "least": 10 + s + 1, "greatest": 10 + s + 4, "seeds": 4}
        for s in (5.0, 30.0, 60.0)
    ]
    # The checks do nothing to these rows: both values have the mean of the three TTLs.
    assert interval["values"][0]["outage_s"] == interval["values"][1]["outage_s"]


TEN_THOUSAND = """
import json, sys
from pathlib import Path
from sim.campaign import campaign_forms
from sim.campaign.matrix import Campaign, cells
from sim.campaign.merge import pages, report_of
from sim.campaign.results import About, Results
from sim.campaign.row import row_unjudged
from sim.campaign.shard import Shard

folder = Path(sys.argv[1])
asked = Campaign("large", ["a.yaml", "b.yaml"], range(1, 101), ["auto"], ["process"],
                 {"routing.ttl": [f"{n}s" for n in range(50)]}, "full", [])
asked = Campaign(**{**vars(asked), "seeds": [*asked.seeds]})
results = Results.begin(folder, About(asked, Shard(), ""))
for cell in cells(asked):
    results.keep({**row_unjudged(cell, "because " * 20), "verdict": "held", "outage_s": 1.5})
document = report_of(Results.read(folder))
outputs = {form: folder / name for form, name in campaign_forms.FILES.items()}
campaign_forms.write(document, {}, outputs)
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(document["runs"], int(peak.split()[1]) // 1024)
"""


@pytest.mark.thorough
def test_ten_thousand_runs_are_judged_within_300_megabytes(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TEN_THOUSAND, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    runs, megabytes = map(int, done.stdout.split())
    assert runs == 10_000
    assert megabytes < 300
