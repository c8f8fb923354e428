"""What people and programs read of a run: the JSON document and the terminal's tables."""
