"""Fly's Machines API over the world: what flyctl and other clients of Fly ask, unmodified.

One file for each noun; `configs` and `shapes` are pure. What differs from Fly is told in
docs/machines-api.md.
"""
