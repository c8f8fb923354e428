"""The embedded link server on its own: `python -m sim.network.embedded --port 8474`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from sim.errors import SimError
from sim.network.embedded.embedded_server import serve
from sim.topology.addresses import LINK_SERVER_PORT, Endpoint


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sim.network.embedded", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=LINK_SERVER_PORT)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    try:
        asyncio.run(serve(Endpoint(options.host, options.port), options.seed))
    except SimError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
