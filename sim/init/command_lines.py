"""Command lines as files have them, made to listen where a machine of the world does."""

from __future__ import annotations

import re
import shlex

_PORT_OPTION = re.compile(r"^(--port=|-p=|--server\.port=|-Dserver\.port=)\d+$")
_BIND = re.compile(r"^(--bind=)?(\S*):\d{2,5}$")
_PORT_NEXT = ("--port", "-p")
_BIND_NEXT = ("--bind", "-b")
_HOST_NEXT = ("--host",)
_LOCAL = ("localhost", "127.0.0.1")
_OF_A_SHELL = re.compile(r"[$;&|<>`(){}*?~]|^\w+=")


def command_of_line(line: str) -> tuple[str, ...]:
    """A line that a shell would run: as words where it needs none, else through `sh -c`."""
    line = line.strip()
    if not line:
        return ()
    if _OF_A_SHELL.search(line):
        simple = not re.search(r"&&|[;|&]", line) and not line.startswith("exec ")
        return ("sh", "-c", f"exec {line}" if simple and not re.match(r"\w+=", line) else line)
    try:
        return listening(tuple(shlex.split(line)))
    except ValueError:
        return ("sh", "-c", line)


def listening(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command, with $PORT and $HOST where it has an address of its own."""
    changed = []
    before = ""
    for word in words:
        changed.append(_at_the_machines(word, before))
        before = word
    if tuple(changed) == words:
        return words
    return ("sh", "-c", " ".join(["exec", *(_shown(word) for word in changed)]))


def _at_the_machines(word: str, before: str) -> str:
    if before in _PORT_NEXT and word.isdigit():
        return "$PORT"
    if match := _PORT_OPTION.match(word):
        return f"{match[1]}$PORT"
    if before in _HOST_NEXT and word in _LOCAL:
        return "$HOST"
    if (before in _BIND_NEXT or word.startswith("--bind=")) and (match := _BIND.match(word)):
        return f"{match[1] or ''}$HOST:$PORT"
    return word


def _shown(word: str) -> str:
    return f'"{word}"' if "$" in word else shlex.quote(word)
