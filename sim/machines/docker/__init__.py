"""The docker runtime: each machine is a container of the user's own image, unmodified."""
