"""get.py URL [SECONDS]: by urllib, with that timeout for each address or none."""

import sys
import urllib.request

url, *timeout = sys.argv[1:]
try:
    with urllib.request.urlopen(url, timeout=float(timeout[0]) if timeout else None) as answer:  # noqa: S310
        sys.stdout.write(answer.read().decode())
except OSError as error:
    sys.exit(f"{error}")
