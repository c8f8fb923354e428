"""A page as one HTML document that opens from disk and loads nothing.

Its one style sheet, and its script if it has one, are named by their hashes in a
Content-Security-Policy that allows nothing else, so that even a mistake in the drawing code could
neither run what a name says nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from string import Template

from sim.page.page_files import joined, styles


def html_page(
    package: str,
    body: str,
    sheets: Iterable[str],
    *,
    title: str,
    script: str = "",
    **fields: str,
) -> str:
    """The page whose `body` and style `sheets` are among the assets of a package.

    `title` is text. `fields` are HTML and stand for the `$names` of the body, as `script` does.
    """
    style = f"{styles()}\n{joined(package, sheets)}"
    runs = f"script-src {_hash(script)}; " if script else ""
    return Template(joined("sim.page", ("skeleton.html",))).substitute(
        policy=f"default-src 'none'; {runs}style-src {_hash(style)}",
        title=escape(title),
        style=style,
        body=Template(joined(package, (body,)).rstrip()).substitute(fields, script=script),
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
