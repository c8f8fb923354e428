"""How a client is led to a machine: router (pure), resolver (DNS), edge (front door)."""
