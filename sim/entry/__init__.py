"""Entries: by these proxies any program is in a location, with no change but its proxy setting."""
