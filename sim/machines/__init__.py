"""Regional machines: lifecycle, the runtimes that make them, health checks."""
