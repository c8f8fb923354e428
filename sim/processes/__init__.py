"""Processes of this host: children of ours, their logs without secrets, what /proc says."""
