"""A log file that a child writes through us, so that no secret it prints reaches the disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from sim.secrets import Redactor

_CHUNK = 64 * 1024
_LONGEST_LINE = 1024 * 1024


class MaskedLog:
    """Copies what is written to `write_end` to the end of a file, line by line, masked.

    A line is masked whole, and what may be the beginning of a secret of many lines waits for the
    rest, so a secret is found also where it came in two writes. Close
    `write_end` once the child has it. What a full disk does not take is lost; the child goes on.
    """

    def __init__(self, path: Path, redact: Redactor) -> None:
        self._redact = redact
        self._file = path.open("ab", buffering=0)
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._line = b""
        self._open = True
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read_end, self._read)

    def finish(self) -> None:
        """Take in what is there still, and close: nobody writes any more."""
        while self._open and self._read():
            pass
        self._close()

    def _read(self) -> bool:
        """Take in a chunk; False when there is none now, or never again."""
        try:
            chunk = os.read(self._read_end, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._close()
            return False
        whole, newline, rest = (self._line + chunk).rpartition(b"\n")
        lines = _text(whole + newline)
        kept = self._redact.begun(lines)
        self._line = _bytes(lines[len(lines) - kept :]) + rest
        self._write(lines[: len(lines) - kept])
        if len(self._line) > _LONGEST_LINE:
            self._write(_text(self._line) + "\n")
            self._line = b""
        return True

    def _write(self, lines: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(_bytes(self._redact(lines)))

    def _close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)
        if self._line:
            self._write(_text(self._line))
        self._file.close()


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _bytes(line: str) -> bytes:
    return line.encode("utf-8", "surrogateescape")
