"""The control server of a running world, and the registry of worlds on this machine."""
