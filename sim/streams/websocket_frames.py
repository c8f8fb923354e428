"""Where WebSocket frames begin and end in a stream of bytes (RFC 6455, 5.2). Nothing is decoded."""

from __future__ import annotations

# A close frame of a server's: final, opcode 8, two bytes of payload, 1001 (going away).
GOING_AWAY = b"\x88\x02\x03\xe9"

_LENGTH_16, _LENGTH_64, _MASKED = 126, 127, 0x80


class FrameCounter:
    """Follows the frames of one direction, to tell when another may be put between two."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._payload_left = 0

    @property
    def between(self) -> bool:
        """Whether all that came so far is whole frames."""
        return not self._head and not self._payload_left

    def feed(self, data: bytes | memoryview) -> None:
        """Bytes that came, in their order."""
        at = 0
        while at < len(data):
            if self._payload_left:
                step = min(self._payload_left, len(data) - at)
                self._payload_left -= step
                at += step
                continue
            self._head.append(data[at])
            at += 1
            if len(self._head) >= 2 and len(self._head) == _head_size(self._head[1]):
                self._payload_left = _payload(self._head)
                self._head.clear()


def _head_size(second: int) -> int:
    extended = {_LENGTH_16: 2, _LENGTH_64: 8}.get(second & ~_MASKED, 0)
    return 2 + extended + (4 if second & _MASKED else 0)


def _payload(head: bytes | bytearray) -> int:
    length = head[1] & ~_MASKED
    if length < _LENGTH_16:
        return length
    return int.from_bytes(head[2:4] if length == _LENGTH_16 else head[2:10])
