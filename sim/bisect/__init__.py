"""Which release of the gateway broke a promise."""
