"""`make bench`: what a world costs, how faithful it is, what it carries. About eight minutes."""

from __future__ import annotations

import asyncio

from bench import containers, fidelity, sessions, speeds, startup
from bench.common import machine


def main() -> None:
    """Print every table."""
    print(f"Measured on {machine()}.")
    asyncio.run(startup.startup())
    containers.main()
    asyncio.run(sessions.load())
    speeds.main()
    fidelity.main()


if __name__ == "__main__":
    main()
