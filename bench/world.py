"""`make bench`: what a world costs, how faithful it is, and what it carries. About six minutes."""

from __future__ import annotations

import asyncio

import fidelity
import sessions
import speeds
import startup
from common import machine


def main() -> None:
    """Print every table."""
    print(f"Measured on {machine()}.")
    startup.main()
    asyncio.run(sessions.load())
    speeds.main()
    fidelity.main()


if __name__ == "__main__":
    main()
