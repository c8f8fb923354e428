"""Statelessness, exhaustively: one session, killed at each of its boundaries in turn."""
