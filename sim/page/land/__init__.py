"""The outline of the world's land, as data: `tools.land` makes it."""
