"""`python -m sim.gateway`: run the reference gateway, as Fly would run any gateway.

It reads PORT, HOST, DATABASE_URL, FLY_APP_NAME, FLY_REGION and FLY_MACHINE_ID. It listens before
it has reached the database.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys

from aiohttp import web

from sim.clock import Clock
from sim.gateway.app import Gateway, Identity
from sim.gateway.store import Store, Variant


def _arguments() -> tuple[Variant, int | None, str]:
    parser = argparse.ArgumentParser(
        prog="python -m sim.gateway",
        description="The reference gateway. Its variants are broken on purpose.",
    )
    parser.add_argument("--sessions", choices=["database", "memory"], default="database")
    parser.add_argument("--ack", choices=["committed", "early"], default="committed")
    parser.add_argument("--dedupe", choices=["on", "off"], default="on")
    parser.add_argument(
        "--limit", type=int, metavar="N", help="the most sessions at a time; more are refused, 503"
    )
    parser.add_argument(
        "--check-path", default="/healthz", metavar="PATH", help="where it answers health checks"
    )
    given = parser.parse_args()
    variant = Variant(
        memory=given.sessions == "memory", early=given.ack == "early", dedupe=given.dedupe == "on"
    )
    return variant, given.limit, given.check_path


def _port(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"PORT must be a number, not {text!r}")
    return int(text)


async def _serve(variant: Variant, limit: int | None, check_path: str) -> None:
    env = os.environ
    clock = Clock()
    identity = Identity(
        app=env.get("FLY_APP_NAME", "gateway"),
        region=env.get("FLY_REGION", "local"),
        machine=env.get("FLY_MACHINE_ID", f"pid-{os.getpid()}"),
    )
    dsn = env.get("DATABASE_URL")
    store = Store(dsn, identity.region, identity.machine, variant, clock) if dsn else None
    gateway = Gateway(identity, store, variant, clock, limit)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    runner = web.AppRunner(gateway.application(check_path), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, env.get("HOST", "0.0.0.0"), _port(env.get("PORT", "8080")))
    try:
        await site.start()
        where = f"{identity.region}, machine {identity.machine}"
        logging.getLogger("gateway").info("listening in %s on %s", where, site.name)
        if store:
            store.start()
        await told.wait()
        await site.stop()
        await gateway.drain()
    finally:
        await runner.cleanup()
        if store:
            await store.stop()


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    variant, limit, check_path = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        asyncio.run(_serve(variant, limit, check_path))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"gateway: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
