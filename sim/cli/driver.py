"""`sim driver`: a driver tried at a gateway that runs, with everything that is said."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from sim.errors import InputError

NOT_ACKNOWLEDGED = 1


@click.command()
@click.argument("driver", metavar="DRIVER")
@click.option(
    "--against", required=True, metavar="URL", help="URL of the gateway, which must be running."
)
@click.option(
    "--messages",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    metavar="N",
    help="Messages of the first connection; one more follows on a second.",
)
@click.option(
    "--payload",
    type=click.IntRange(1, 1024 * 1024),
    default=16,
    show_default=True,
    metavar="N",
    help="Size of {payload}, in bytes.",
)
def driver(driver: str, against: str, messages: int, payload: int) -> int:
    """Try DRIVER on a gateway that runs, without a world.

    It shows what is said, heard and matched. DRIVER is a YAML file, module:Class of this folder, or
    a built-in name. Start your gateway as you do otherwise. Exits with 1 where a message is not
    acknowledged.
    """
    from sim.cli.running import run_async
    from sim.clients.load_spec import LoadSpec
    from sim.scenario.driver_section import SUFFIXES, driver_of_file
    from sim.tryout.tryout import try_out

    if (
        urlsplit(against).scheme not in ("http", "https", "ws", "wss")
        or not urlsplit(against).netloc
    ):
        raise InputError(f"--against: found `{against}`; write a URL such as http://127.0.0.1:8080")
    said = driver_of_file(Path(driver)) if driver.endswith(SUFFIXES) else driver
    spec = LoadSpec(driver=said, every_s=0.2, payload_bytes=payload)
    tried = run_async(try_out(spec, against, click.echo, (messages, 1)))
    acked, sent = len(tried.acked), len(tried.sent)
    click.echo(f"{acked} of {sent} messages are acknowledged")
    if tried.mistake:
        raise InputError(f"the driver is at fault: {tried.mistake}")
    return 0 if sent and acked == sent and not tried.ended else NOT_ACKNOWLEDGED
