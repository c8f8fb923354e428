"""The edge: a region's front door."""

from sim.routing.edge.edge import Edge
from sim.routing.edge.headers import SIM_MACHINE, SIM_REGION
from sim.routing.machine_choice import MachineView

__all__ = ["SIM_MACHINE", "SIM_REGION", "Edge", "MachineView"]
