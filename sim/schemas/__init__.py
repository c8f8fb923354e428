"""JSON Schemas of all kinds of files, made from the loaders of these files.

Editors complete and check by them (`sim schema`). They take all that the loaders take, and refuse
most of what the loaders refuse; the rest (names, times that belong together) `sim validate` says.
"""
