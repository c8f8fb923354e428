"""Programs, browsers and containers in a location: they see what clients there see."""
