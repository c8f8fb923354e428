"""The `sim` command: thin commands over the packages."""

from __future__ import annotations

import traceback
from asyncio import CancelledError

import click

from sim import __version__
from sim.cli.again import diff, replay
from sim.cli.app import deploy, scale, secrets
from sim.cli.bisect import bisect
from sim.cli.campaign import campaign, merge
from sim.cli.compare import compare
from sim.cli.doctor import doctor
from sim.cli.driver import driver
from sim.cli.faults import fault, heal, save_scenario
from sim.cli.files import validate
from sim.cli.flyctl_env import flyctl_env
from sim.cli.group import sentence
from sim.cli.hunt import hunt
from sim.cli.init import init
from sim.cli.inspect import dig, links, logs
from sim.cli.machines import checks, machine, regions
from sim.cli.manual import manual
from sim.cli.outlet import Unread, outlets
from sim.cli.page import page
from sim.cli.place import ca, execute, open_browser
from sim.cli.promises import promises
from sim.cli.run import demo, report, run
from sim.cli.schema import schema
from sim.cli.sweep import sweep
from sim.cli.top import top
from sim.cli.worlds import down, status, up
from sim.errors import InputError, SimError
from sim.processes.threads import leave

INTERRUPTED = 130
DEFECT = 70  # EX_SOFTWARE of sysexits.h. It must not be 1: nothing was found of the gateway.


SECTIONS = {
    "Begin": (demo, init, validate, run, report),
    "Many runs": (campaign, merge, hunt, sweep, bisect, promises),
    "Runs beside each other": (replay, diff, compare),
    "A world that stays up": (up, status, top, page, logs, down),
    "Break it, and mend it": (fault, heal, save_scenario),
    "As flyctl does": (deploy, scale, machine, secrets, checks, regions, flyctl_env),
    "From a place": (dig, links, execute, open_browser, ca),
    "Tools": (driver, schema, doctor, manual),
}


class Sections(click.Group):
    """The commands as people come to need them, instead of by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the sections."""
        del ctx
        return [str(command.name) for section in SECTIONS.values() for command in section]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A list for each section."""
        del ctx
        width = max(len(name) for name in self.commands)
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{c.name:<{width}}", sentence(c)) for c in commands])


@click.group(
    cls=Sections,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="sim")
def cli() -> None:
    """Run your server in several simulated regions, break one, and see what clients go through.

    Exit codes: 0 held or done, 1 an expectation failed, 2 unusable input, 3 something is missing
    here (the message says what to do), 4 the verdict is unknown, 70 the simulator itself is broken.
    """


for of_section in SECTIONS.values():
    for command in of_section:
        cli.add_command(command)


def main() -> None:
    """Run the command line and exit with its code; a user's mistake is a message, no traceback."""
    with outlets():
        code = _run()
    leave(code)


def _run() -> int:
    try:
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except SimError as error:
        if not isinstance(error, Unread):
            click.echo(f"error: {error}", err=True)
        return error.exit_code
    except (SystemExit, CancelledError) as error:  # a driver's doing: no verdict may come of it
        click.echo(f"error: {_ended_by_a_driver(error)}", err=True)
        return InputError.exit_code
    except Exception:  # noqa: BLE001 - Python's own exit code for these, 1, is a failed expectation
        traceback.print_exc()
        told = "error: this is a defect of the simulator; it says nothing of your gateway"
        click.echo(f"{told}. Please report it with the lines above.", err=True)
        return DEFECT
    return code if isinstance(code, int) else 0


def _ended_by_a_driver(error: SystemExit | CancelledError) -> str:
    """What ended the command from within, in words."""
    if isinstance(error, CancelledError):
        return "all that ran here was cancelled, as no driver may: it may cancel tasks of its own"
    by = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{by.filename}:{by.lineno}"
    return f"sys.exit({error.code!r}) was called while this ran, as no driver may: {where}"
