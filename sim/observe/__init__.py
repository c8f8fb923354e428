"""The journal of what happened, and everything that is computed from it."""
