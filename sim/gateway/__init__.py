"""The reference gateway and its deliberately broken variants."""
