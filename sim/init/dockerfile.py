"""What a Dockerfile says: the command and port of its last stage, and its health check."""

from __future__ import annotations

import json
import re

from sim.init.command_lines import command_of_line, listening
from sim.init.facts import Build, Facts

_INSTRUCTION = re.compile(
    r"\s*(FROM|ENTRYPOINT|CMD|EXPOSE|ENV|HEALTHCHECK)\s+(.*)", re.IGNORECASE | re.DOTALL
)
_PORT = re.compile(r"--(?:server\.)?port[= ](\d{2,5})\b")
_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\S*?)?(/[^\s\"'|;)]*)")


def read_dockerfile(text: str) -> Facts:
    """ENTRYPOINT and CMD as Docker puts them together, the first port of EXPOSE, HEALTHCHECK."""
    said = _said(text)
    entrypoint, cmd = said.get("ENTRYPOINT", ""), said.get("CMD", "")
    command = _words(entrypoint)
    if not entrypoint or entrypoint.startswith("["):  # a shell's line takes no arguments
        command = (*command, *_words(cmd))
    port = re.match(r"(\d+)", said.get("EXPOSE", "")) or _PORT.search(" ".join(command))
    return Facts(
        command=listening(command),
        build=Build(),
        port=int(port[1]) if port else None,
        check=path_asked(said.get("HEALTHCHECK", "")),
    )


def path_asked(command: str) -> str | None:
    """The path of the URL that a health check's command asks for."""
    match = _URL.search(command)
    return match[1] if match else None


def _said(text: str) -> dict[str, str]:
    """The last word of each instruction, of the last stage."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    said: dict[str, str] = {}
    for statement in re.sub(r"\\[ \t]*\n", " ", kept).splitlines():
        if match := _INSTRUCTION.match(statement):
            name, value = match[1].upper(), match[2].strip()
            said = {} if name == "FROM" else {**said, name: value}
    return said


def _words(value: str) -> tuple[str, ...]:
    """The words of an instruction: a JSON list, else a line for the shell."""
    try:
        words = json.loads(value)
    except ValueError:
        words = None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    return command_of_line(value)
