"""The control server of a running world, and how commands reach it."""
