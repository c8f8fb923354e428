"""The drivers that come with the simulator."""
