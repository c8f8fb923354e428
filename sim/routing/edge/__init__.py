"""The edge: a region's front door."""

from sim.routing.choice import MachineView
from sim.routing.edge.edge import Edge
from sim.routing.edge.headers import SIM_MACHINE, SIM_REGION

__all__ = ["SIM_MACHINE", "SIM_REGION", "Edge", "MachineView"]
