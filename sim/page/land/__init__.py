"""The outline of the world's land, as data: see build.py for its making."""
