"""What Prometheus is told of a world: by Fly's names where they exist, by ours for the rest."""
