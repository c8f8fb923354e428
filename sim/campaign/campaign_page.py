"""The page of a campaign: plain HTML that opens from disk, without network and script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from sim.campaign import campaign_curve
from sim.campaign.campaign_document import Document
from sim.campaign.campaign_summary import dollars, number, seconds, setup_in_words
from sim.page.html_page import html_page

_ICONS = {"held": "✓", "failed": "✗", "unknown": "?"}


def render(document: Document, pages: Mapping[str, str]) -> str:
    """The page of a report; `pages` are the addresses of runs' own pages, by the ids of cells."""
    kinds = [*_ICONS, "missing"] if document["missing"] else [*_ICONS]
    return html_page(
        "sim.campaign",
        "campaign.html",
        ["campaign.css"],
        title=f"{document['campaign']}: {document['verdict']}",
        campaign=escape(document["campaign"]),
        verdict=document["verdict"],
        tiles="\n".join(
            f'<div class="tile {kind}"><strong>{document[kind]}</strong><span>{kind}</span></div>'
            for kind in kinds
        ),
        missing="".join(f'<p class="why">{escape(w)}</p>' for w in document["missing_because"]),
        worst=_worst(document, pages),
        varied="\n".join(_dimension(dimension) for dimension in document["varied"]),
        matrix="\n".join(_setup(setup, pages) for setup in document["setups"]),
    )


def _worst(document: Document, pages: Mapping[str, str]) -> str:
    run = document["worst"]
    if run is None:
        return "<p>No run has ended.</p>"
    words = escape(f"{setup_in_words(run['setup'])}, seed {run['seed']}")
    if page := pages.get(run["cell"]):
        words = f'<a href="{escape(page, quote=True)}">{words}</a>'
    outage = "" if run["outage_s"] is None else f", longest outage {run['outage_s']:.1f} s"
    why = "".join(f'<li class="why">{escape(text)}</li>' for text in run["why"])
    again = f'<p class="note">Again: <code>{escape(run["again"])}</code></p>'
    return f"<p>{words}: <b>{run['verdict']}</b>{outage}</p><ul>{why}</ul>{again}"


def _dimension(dimension: Document) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(str(value["value"]))}</th>'
        + "".join(f"<td>{value[kind]}</td>" for kind in _ICONS)
        + f"<td>{seconds(value['outage_s'])}</td><td>{number(value['lost'])}</td>"
        f"<td>{dollars(value['cost_usd_month'])}</td></tr>"
        for value in dimension["values"]
    )
    return f"""<section class="card"><h3>{escape(dimension["key"])}</h3>
<figure>{campaign_curve.draw(dimension)}</figure>
<div class="scroll"><table><thead><tr><th scope="col">value</th><th scope="col">held</th>
<th scope="col">failed</th><th scope="col">unknown</th><th scope="col">worst outage, s</th>
<th scope="col">messages lost</th><th scope="col">$ a month</th></tr></thead>
<tbody>{rows}</tbody></table></div></section>"""


def _setup(setup: Document, pages: Mapping[str, str]) -> str:
    runs = "".join(_run(run, pages.get(run["cell"])) for run in setup["runs"])
    verdict = setup["verdict"]
    return (
        f'<tr><td class="{verdict}">{_ICONS[verdict]} {verdict}</td>'
        f'<th scope="row">{escape(setup_in_words(setup["setup"]))}</th>'
        f'<td class="runs">{runs}</td></tr>'
    )


def _run(run: Document, page: str | None) -> str:
    verdict = run["verdict"]
    told = f"seed {run['seed']}: {verdict}"
    told += "".join(f"; {why}" for why in run["why"])
    if run.get("alone"):
        told += "; run again alone, because the host had kept the first run waiting"
    about = f'class="run {verdict}" title="{escape(told, quote=True)}"'
    shown = f'{_ICONS[verdict]}<span class="seed">{run["seed"]}</span>'
    if page:
        return f'<a {about} href="{escape(page, quote=True)}">{shown}</a>'
    return f"<span {about}>{shown}</span>"
