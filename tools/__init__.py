"""What is run by hand on the repository itself; nothing here is in the wheel."""
