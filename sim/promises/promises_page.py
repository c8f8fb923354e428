"""The page of the promises: plain HTML that opens from disk, without network and script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape

import yaml

from sim.page.html_page import html_page
from sim.report.document import Document

_ICONS = {"held": "✓", "broken": "✗", "unknown": "?"}
_CLASSES = {"held": "held", "broken": "failed", "unknown": "unknown", "failed": "failed"}


def render(document: Document, pages: Mapping[str, str]) -> str:
    """The page of a document of `held.document`; `pages` are the runs' own, by their names."""
    counts = Counter(row["verdict"] for row in document["promises"])
    return html_page(
        "sim.promises",
        "promises.html",
        ["promises.css"],
        title=f"The promises of {document['app']}",
        app=escape(document["app"]),
        tiles="\n".join(
            f'<div class="tile {_CLASSES[word]}"><strong>{counts[word]}</strong>'
            f"<span>{word}</span></div>"
            for word in _ICONS
        ),
        promises="\n".join(_promise(row, document["runs"]) for row in document["promises"]),
        runs="\n".join(_run(run, pages.get(run["name"])) for run in document["runs"]),
    )


def _promise(row: Document, runs: list[Document]) -> str:
    word = row["verdict"]
    does = next(run["does"] for run in runs if run["name"] == row["run"])
    why = "".join(f'<li class="why">{escape(text)}</li>' for text in row["why"])
    return f"""<li class="promise {_CLASSES[word]}">
<span class="icon" aria-hidden="true">{_ICONS[word]}</span>
<div><h3>{escape(row["says"])}</h3>
<p><b class="word">{word}</b> <span class="observed">{escape(row["observed"])}</span></p>
<ul>{why}</ul>
<p class="behind"><a href="#{row["run"]}">{escape(does)}</a></p></div>
</li>"""


def _run(run: Document, page: str | None) -> str:
    scenario = yaml.safe_dump(run["scenario"], sort_keys=False, allow_unicode=True, width=100)
    full = f'<p><a href="{escape(page)}">The whole run, second by second</a></p>' if page else ""
    doubts = "".join(f'<li class="why">{escape(text)}</li>' for text in run["doubts"])
    facts = {
        "runtime": run["runtime"],
        "links": run["links"],
        "speed": f"{run['speed']:g}",
        "clock": run["clock"],
        "seed": run["seed"],
        "simulated": f"{run['duration_s']:.0f} s",
    }
    shown = "".join(
        f"<div><dt>{name}</dt><dd>{escape(str(value))}</dd></div>" for name, value in facts.items()
    )
    return f"""<section class="run" id="{run["name"]}">
<h3>{escape(run["does"][:1].upper() + run["does"][1:])}</h3>
<dl class="facts">{shown}</dl>
<ul>{doubts}</ul>
{full}
<details class="as-table"><summary>The scenario, to run it again</summary>
<pre>{escape(scenario)}</pre>
<p class="note">Save it beside the topology; <code>sim run FILE --speed {run["speed"]:g}
--seed {run["seed"]}</code></p></details>
</section>"""
