"""A local multi-region simulator for gateways: regions, links, faults, clients, a verdict."""

__version__ = "0.1.0"
