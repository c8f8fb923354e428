"""The Docker engine: the connection to it, what is known of it, and what worlds leave in it."""
