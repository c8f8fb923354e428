"""What machines depend on: the shared database."""
