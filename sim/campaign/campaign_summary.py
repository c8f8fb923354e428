"""A campaign in Markdown, fit for a pull request, and in words for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sim.campaign.campaign_document import Document
from sim.campaign.matrix import said
from sim.report.markdown import VERDICTS, table, text

_MOST_SETUPS = 200  # GitHub takes 65,536 characters; the JSON has all


def render(document: Document) -> str:
    """The Markdown of a report. Whatever a name says, it is text there."""
    blocks = [
        f"### {text(document['campaign'])}: {VERDICTS[document['verdict']]}",
        f"{in_words(document)}.",
        *(f"> ❔ {text(why)}" for why in document["missing_because"]),
        *_worst(document),
        *_varied(document),
        *_setups(document),
    ]
    return "\n\n".join(blocks) + "\n"


def in_words(document: Document) -> str:
    """How many runs there were, and what became of them."""
    kinds = [f"{document[kind]} {kind}" for kind in ("held", "failed", "unknown")]
    kinds += [f"{document['missing']} not run"] if document["missing"] else []
    return f"{document['runs']} runs: {', '.join(kinds)}"


def setup_in_words(setup: Document) -> str:
    """A setup on one line: its scenario, then what it was run with."""
    scenario, *rest = setup.items()
    return ", ".join([str(scenario[1]), *(said(key, value) for key, value in rest)])


def seconds(figure: Document | None) -> str:
    """A mean with its interval over seeds."""
    return _interval(figure, "{:.1f}")


def dollars(figure: Document | None) -> str:
    """A mean of costs with its interval over seeds."""
    return _interval(figure, "{:.2f}")


def number(figure: Document | None) -> str:
    """A mean of counts with its interval over seeds."""
    return _interval(figure, "{:g}")


def _interval(figure: Document | None, form: str) -> str:
    if figure is None:
        return "-"
    mean, least, greatest = (form.format(figure[k]) for k in ("mean", "least", "greatest"))
    return mean if least == greatest else f"{mean} ({least} to {greatest})"


def _worst(document: Document) -> Iterator[str]:
    if run := document["worst"]:
        words = f"{setup_in_words(run['setup'])}, seed {run['seed']}: {run['verdict']}"
        yield f"The worst run: {text(words)}" + (f". {text(run['why'][0])}" if run["why"] else "")
        yield f"Again: {text(run['again'])}"


def _varied(document: Document) -> Iterator[str]:
    for dimension in document["varied"]:
        rows = [
            [
                text(value["value"]),
                *(str(value[kind]) for kind in ("held", "failed", "unknown")),
                seconds(value["outage_s"]),
                number(value["lost"]),
                dollars(value["cost_usd_month"]),
            ]
            for value in dimension["values"]
        ]
        head = ("held", "failed", "unknown", "worst outage s", "lost", "$ a month")
        yield table((text(dimension["key"]), *head), rows, numbers=6)


def _setups(document: Document) -> Iterator[str]:
    setups = document["setups"]
    rows = [
        [
            VERDICTS[setup["verdict"]],
            text(setup_in_words(setup["setup"])),
            " ".join(VERDICTS[run["verdict"]][0] for run in setup["runs"]),
        ]
        for setup in setups[:_MOST_SETUPS]
    ]
    yield table(("", "run with", "by seed"), rows)
    if len(setups) > _MOST_SETUPS:
        yield f"… and {len(setups) - _MOST_SETUPS} more, which the JSON report has."
