"""`sim campaign` and `sim merge`: many runs over a matrix, here or in parts, and one report."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.options import EXISTING
from sim.cli.outputs import output_options
from sim.cli.running import run_async
from sim.cli.tables import wide_console
from sim.errors import EnvironmentLacksError
from sim.remaining import Remaining

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sim.campaign.campaign_document import Document
    from sim.campaign.results import Results
    from sim.campaign.row import Row
    from sim.campaign.shard import Shard

_STYLES = {"held": "green", "failed": "bold red", "unknown": "yellow"}
_FOLDER = click.Path(file_okay=False, path_type=Path)


class _ShardOption(click.ParamType["Shard"]):
    """Which part of how many: `3/8`."""

    name = "shard"

    def convert(
        self, value: str | Shard, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shard:
        """The shard. Fails, as click does, for what is none."""
        from sim.campaign.shard import shard_of

        try:
            return shard_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("file", type=EXISTING)
@click.option(
    "--jobs",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Worlds side by side; one for two cores if not given.",
)
@click.option(
    "--shard", type=_ShardOption(), default="1/1", metavar="I/N", help="Only the I-th of N parts."
)
@click.option("--dask", metavar="ADDRESS", help="On the cluster of this Dask scheduler.")
@click.option("--resume", is_flag=True, help="Go on where an interrupted campaign stopped.")
@click.option(
    "--out",
    type=_FOLDER,
    metavar="DIR",
    help="Where results go; the file's name with -results if not given.",
)
def campaign(
    file: Path,
    jobs: int | None,
    shard: Shard,
    dask: str | None,
    resume: bool,
    out: Path | None,
) -> int:
    """Run every combination that FILE asks for.

    Each run has a world of its own; one report is made of all. DIR has report.html, report.json,
    junit.xml and summary.md at the end, and each finished run as soon as it ends: Ctrl-C ends what
    runs and keeps what was done.
    """
    from sim.campaign import campaign_forms
    from sim.campaign.load_campaign import load_campaign
    from sim.campaign.matrix import cells
    from sim.campaign.merge import pages, report_of
    from sim.campaign.results import About, Results, inputs_of

    asked = load_campaign(file)
    folder = out or Path(f"{file.stem}-results")
    about = About(asked, shard, inputs_of(asked, file.parent))
    results = Results.resume(folder, about) if resume else Results.begin(folder, about)
    count = sum(1 for _ in shard.part(cells(asked)))
    done = {row["cell"]: row for row in results.rows()}
    part = "" if shard.of == 1 else f", shard {shard}"
    going_on = f", {len(done)} done before" if done else ""
    click.echo(f"campaign: {asked.name}, {count} runs{part}{going_on}; results in {folder}")
    try:
        run_async(_run(results, file.parent, done, jobs, dask, count))
    except KeyboardInterrupt:
        click.echo(f"go on with: sim campaign {file} --resume --out {folder}", err=True)
        raise
    document = report_of(results)
    campaign_forms.write(
        document,
        pages([results]),
        {form: folder / name for form, name in campaign_forms.FILES.items()},
    )
    return _show(document)


@click.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    metavar="DIR…",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@output_options
def merge(folders: tuple[Path, ...], **outputs: Path | None) -> int:
    """Make one report of the shards of a campaign.

    DIR… are the folders of their results; the report is as if all had been run at once.

    A shard that is missing is said, and makes the verdict unknown where nothing failed.
    """
    from sim.campaign import campaign_forms
    from sim.campaign.merge import merged, pages
    from sim.campaign.results import Results

    found: list[Results] = [Results.read(folder) for folder in folders]
    document = merged(found)
    click.echo(f"campaign: {document['campaign']}")
    campaign_forms.write(document, pages(found), outputs)
    return _show(document)


async def _run(
    results: Results,
    base: Path,
    done: Mapping[str, Row],
    jobs: int | None,
    dask: str | None,
    count: int,
) -> None:
    from sim.campaign.campaign_runner import go_on, here, usual_jobs

    def tell(at_once: int) -> Callable[[int, Row], None]:
        return partial(_tell, count, Remaining(count - len(done), at_once))

    if dask is None:
        at_once = jobs or usual_jobs()
        await go_on(results, done, at_once, here(results, base), tell(at_once))
        return
    try:
        from sim.campaign.on_dask import on_cluster
    except ImportError as error:
        raise EnvironmentLacksError(
            f"Dask's distributed scheduler cannot be used: {error}",
            "pip install 'multi-region-sim[dask]'",
        ) from error

    async with on_cluster(dask, results, base) as (run, workers):
        at_once = jobs or workers
        await go_on(results, done, at_once, run, tell(at_once))


def _tell(count: int, remaining: Remaining, number: int, row: Row) -> None:
    from sim.campaign.campaign_summary import setup_in_words

    words = f"{number} of {count}: {row['verdict']}: {setup_in_words(row['setup'])}"
    words += f", seed {row['seed']}" + (", again and alone" if row["alone"] else "")
    why = f": {row['why'][0]}" if row["why"] else ""
    left = remaining.after(0 if row["alone"] else 1)
    click.echo(f"{words}{why}{left}", err=True)


def _show(document: Document) -> int:
    from rich.table import Table
    from rich.text import Text

    from sim.campaign.campaign_summary import dollars, in_words, number, seconds, setup_in_words
    from sim.scenario.verdict import EXIT_CODES

    console = wide_console()
    for dimension in document["varied"]:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for title in (dimension["key"], *_STYLES, "worst outage s", "lost", "$ a month"):
            table.add_column(title)
        for value in dimension["values"]:
            table.add_row(
                Text(str(value["value"])),
                *(Text(str(value[kind]), style=_STYLES[kind]) for kind in _STYLES),
                seconds(value["outage_s"]),
                number(value["lost"]),
                dollars(value["cost_usd_month"]),
            )
        console.print()
        console.print(table)
    if worst := document["worst"]:
        words = f"{setup_in_words(worst['setup'])}, seed {worst['seed']}: {worst['verdict']}"
        console.print(Text(f"\nthe worst run: {words} (cells/{worst['cell']})"))
        console.print(Text(f"again: {worst['again']}"), soft_wrap=True)
    for why in document["missing_because"]:
        console.print(Text(why, style="yellow"))
    click.echo(f"\n{in_words(document)}\nverdict: {document['verdict']}")
    runs = [run for setup in document["setups"] for run in setup["runs"]]
    if runs and all(run.get("outage_s") is None for run in runs):
        first = runs[0]["why"][0]
        raise EnvironmentLacksError(f"no run came to a verdict; the first: {first}", "mend that")
    return EXIT_CODES[document["verdict"]]
