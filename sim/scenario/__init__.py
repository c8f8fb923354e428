"""What is done to a world and what is expected of it: faults, timeline, checks, verdict."""
