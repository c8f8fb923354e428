"""HTTP/1.1 between a client and an origin, as the edge and the entry carry it on (h11)."""
