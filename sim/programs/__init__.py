"""Programs of this host put into a location: `sim exec` without Docker, and `sim open`."""
