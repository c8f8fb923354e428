"""What is said to a peer whose request could not be read (pure)."""

from __future__ import annotations

import re

import h11

from sim.streams.http.fields import NO_HTTP_2

_OTHER_VERSION = re.compile(rb" HTTP/[^1]\S*\r?$")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_ENCODING = re.compile(rb"^transfer-encoding[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb"^([^:\r\n]+):", re.MULTILINE)
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class MalformedError(h11.RemoteProtocolError):
    """What a peer sent is no HTTP/1.1; `head` is what of a request's head had come."""

    def __init__(self, error: h11.RemoteProtocolError, head: bytes) -> None:
        self.head = head
        super().__init__(str(error), error.error_status_hint)


def said_of(error: h11.RemoteProtocolError) -> tuple[int, str]:
    """The status and the words by which a request is refused that could not be read."""
    status, text = error.error_status_hint, str(error)
    line, _, fields = getattr(error, "head", b"").partition(b"\n")
    if _OTHER_VERSION.search(line):
        return 505, NO_HTTP_2
    if _BEYOND_ASCII.search(line):
        return 400, "the target has bytes beyond ASCII; percent-encode them (RFC 3986, 2.1)"
    if status == 501 and (encoding := _ENCODING.search(fields)):
        return 501, f"Transfer-Encoding {encoding[1].decode('latin-1')!r}; chunked is understood"
    for name in _NAME.findall(fields):
        if not _TOKEN.fullmatch(name):
            return 400, f"the field name {name.decode('latin-1')!r} is no token (RFC 9110, 5.6.2)"
    return status, text
