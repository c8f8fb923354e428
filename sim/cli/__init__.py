"""The `sim` command: thin commands over the packages."""
