"""Simulated clients: vantage point of a location, drivers, load."""
