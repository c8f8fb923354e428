"""What a client's name says: `london/3` is the third of London's."""

from __future__ import annotations


def location_of(client: str) -> str:
    """The location of a client by its name: `london` of `london/3`."""
    return client.rpartition("/")[0]
