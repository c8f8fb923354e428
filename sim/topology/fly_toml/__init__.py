"""A fly.toml read for what a topology takes from it: app, primary region, gateway, deploys.

Whatever a file says that is not simulated is named in `notes`, each with its place: nothing is
dropped in silence.
"""

from sim.topology.fly_toml.groups import UnknownGroupError
from sim.topology.fly_toml.read import FlyToml, read_fly_toml

__all__ = ["FlyToml", "UnknownGroupError", "read_fly_toml"]
