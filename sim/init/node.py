"""What package.json and JavaScript say."""

from __future__ import annotations

import json
import re
import shlex

from sim.init.command_lines import listening
from sim.init.facts import Facts
from sim.init.sources import check_path, first, label, secrets_among

_DATABASES = ("pg", "postgres", "pg-promise", "@prisma/client", "knex", "sequelize", "drizzle-orm")
_ENTRIES = re.compile(r"^(node|bun|deno)(?: [\w./@=:-]+)+$")
_VARIABLE = re.compile(
    r"""process\.env(?:\.([A-Z][A-Z0-9_]*)|\[["']([A-Z][A-Z0-9_]*)["']\])(?!\s*(?:\|\||\?\?))"""
)
_SOCKET_PATH = (
    r"""["'`](/(?:[\w-]+/)*"""
    r"""(?:wss?|(?:web)?sockets?|live|echo|chat|sessions?|stream|rooms?|realtime))["'`]"""
)
_FASTIFY = r"""["'`](/[^"'`]*)["'`]\s*,\s*\{[^{}]*\bwebsocket:\s*true"""
_ACKNOWLEDGED = (
    r"""\.on\(\s*["'`]([\w:.-]+)["'`]\s*,\s*(?:async\s*)?(?:function\s*)?"""
    r"""\(\s*\w+\s*,\s*(?:ack|cb|callback|done|reply|respond|fn)\s*\)"""
)


def read_package(text: str) -> Facts:
    """The command of `npm start`, else of `main`, and what its dependencies tell."""
    try:
        package = json.loads(text)
    except ValueError:
        return Facts(notes=("package.json is not JSON, and was passed over",))
    if not isinstance(package, dict):
        return Facts()
    needs = package.get("dependencies")
    needs = needs if isinstance(needs, dict) else {}
    database = next((name for name in _DATABASES if name in needs), None)
    return Facts(
        app=label(str(package.get("name") or "")),
        command=_command(package),
        prepare=_prepare(package, needs),
        database=database,
        socketio="socket.io" in needs,
        workspaces="workspaces" in package,
    )


def is_library(text: str) -> bool:
    """Whether a package.json has nothing to start: its `main` is for others to import."""
    try:
        return "start" not in json.loads(text).get("scripts", {})
    except (ValueError, AttributeError, TypeError):
        return False


def _command(package: dict[str, object]) -> tuple[str, ...]:
    scripts = package.get("scripts")
    start = scripts.get("start") if isinstance(scripts, dict) else None
    if isinstance(start, str):
        # npm is a process more between a machine and its signals; node alone needs none.
        return listening(tuple(shlex.split(start))) if _ENTRIES.match(start) else ("npm", "start")
    main = package.get("main")
    return ("node", main) if isinstance(main, str) and re.search(r"\.[cm]?js$", main) else ()


def _prepare(package: dict[str, object], needs: dict[str, object]) -> str | None:
    scripts = package.get("scripts")
    installs = needs or package.get("devDependencies") or package.get("workspaces")
    steps = ["npm install"] if installs else []
    steps += ["npm run build"] if isinstance(scripts, dict) and "build" in scripts else []
    return " && ".join(steps) or None


def read_javascript(text: str, name: str) -> Facts:
    """What a source file of JavaScript or TypeScript tells; it is the program if it listens."""
    serves = re.search(r"\.listen\(|createServer\(|new WebSocketServer\(", text) is not None
    runs = serves and re.search(r"\.[cm]?js$", name) is not None
    port = None if "env.PORT" in text else first(r"(?:\.listen\(\s*|\bport:\s*)(\d{2,5})", text)
    return Facts(
        command=("node", name) if runs else (),
        check=check_path(text),
        fixed_port=int(port) if port and serves else None,
        needs=secrets_among(one or other for one, other in _VARIABLE.findall(text)),
        websocket=first(_FASTIFY, text)
        or (first(_SOCKET_PATH, text) if re.search(r"WebSocket|\bws\b", text) else None),
        event=first(_ACKNOWLEDGED, text),
        socketio=bool(re.search(r"""["']socket\.io["']""", text)),
    )
