"""The HTTP server of a running world, and who may ask it; `control` has what it answers."""
