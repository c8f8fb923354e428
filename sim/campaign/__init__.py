"""Campaigns: many runs over a matrix of scenarios, seeds, speeds, runtimes and topology values."""
