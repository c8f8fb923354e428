"""TCP connections as edges, entries, workers and links share them: accepted, read, carried on."""
