"""Links between places: Toxiproxy proxies, their client, and the embedded server."""
