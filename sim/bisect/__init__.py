"""Which commit of the gateway broke a promise."""
