"""A search for the timeline that breaks a gateway, and the smallest scenario that shows it."""
