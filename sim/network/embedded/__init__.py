"""A link server of our own: Toxiproxy's API and toxics, in this process, seeded."""

from sim.network.embedded.embedded_server import EmbeddedLinkServer

__all__ = ["EmbeddedLinkServer"]
