"""Having a program trust the world's authority beside those that it trusts anyway.

There is no one variable for it: each of these is read by some, and names one file with all.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL, so Python, Ruby and most C programs; Go; rustls-native-certs
    "REQUESTS_CA_BUNDLE",  # Python's requests, which has authorities of its own
    "CURL_CA_BUNDLE",  # curl
    "NODE_EXTRA_CA_CERTS",  # Node.js, beside those it is built with
    "PGSSLROOTCERT",  # libpq, so psql, psycopg and Ruby's pg; asyncpg; pgx
)


FILE = "authorities.pem"  # in a world's folder


def bundle(folder: Path, certificate: str, environment: Mapping[str, str]) -> Path:
    """A file of all authorities that a program trusts now, and the world's (PEM)."""
    known = environment.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    file = Path(known) if known else None
    before = file.read_text("ascii", "ignore") if file and file.is_file() else ""
    made = folder / FILE
    made.write_text(f"{before.rstrip()}\n{certificate}", encoding="ascii")
    return made


def trusting(authorities: Path) -> dict[str, str]:
    """What a program's environment says to make it trust these."""
    return dict.fromkeys(_VARIABLES, str(authorities))
