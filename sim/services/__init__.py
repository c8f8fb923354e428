"""What machines use: the shared database, and whatever else a topology names."""
