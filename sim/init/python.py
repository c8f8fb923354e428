"""What pyproject.toml, requirements.txt and Python say."""

from __future__ import annotations

import re
import tomllib

from sim.init.facts import Facts
from sim.init.sources import check_path, first, label, secrets_among

_DATABASES = ("asyncpg", "psycopg", "psycopg2", "psycopg2-binary", "sqlalchemy", "tortoise-orm")
_APPS = re.compile(r"^(\w+)(?::[^=\n]+)?\s*=\s*(FastAPI|Starlette|Quart|Litestar)\(", re.MULTILINE)
_SOCKET = r"""\.websocket(?:_route)?\(\s*["'](/[^"']*)["']"""
_AIOHTTP = (
    r"""(?:add_(?:get|route)|routes\.get|web\.get)\(\s*(?:["'](?:GET|\*)["'],\s*)?"""
    r"""["'](/(?:[^"'/]+/)*(?:wss?|(?:web)?sockets?|live|echo|chat|stream|realtime))["']"""
)
_VARIABLE = re.compile(
    r"""os\.(?:environ\[["']([A-Z][A-Z0-9_]*)["']\]|getenv\(["']([A-Z][A-Z0-9_]*)["']\))"""
)
# A word that stands for the interpreter of the repository's own environment; `look` knows which.
INTERPRETER = "python"


def read_pyproject(text: str) -> Facts:
    """The project's name and dependencies."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return Facts(notes=("pyproject.toml is not TOML, and was passed over",))
    project = data.get("project")
    project = project if isinstance(project, dict) else {}
    needs = project.get("dependencies")
    needs = [str(need) for need in needs] if isinstance(needs, list) else []
    facts = _of(needs)
    installs = "build-system" in data or needs
    return Facts(
        app=label(str(project.get("name") or "")),
        prepare=_venv("-e .") if installs else None,
        database=facts.database,
    )


def read_requirements(text: str) -> Facts:
    """The dependencies, one a line."""
    return _of(text.splitlines())


def _of(needs: list[str]) -> Facts:
    names = [re.split(r"[\s\[<>=!~;@]", need.strip().lower(), maxsplit=1)[0] for need in needs]
    database = next((name for name in _DATABASES if name in names), None)
    return Facts(prepare=_venv("-r requirements.txt"), database=database)


def _venv(what: str) -> str:
    return f"python3 -m venv .venv && .venv/bin/pip install {what}"


def read_python(text: str, name: str) -> Facts:
    """What a source file of Python tells; it is the program if it makes an ASGI app or runs one."""
    module = re.sub(r"\.py$", "", name).replace("/", ".")
    if app := _APPS.search(text):
        serve = f"{module}:{app[1]}"
        line = f"exec {INTERPRETER} -m uvicorn {serve} --host $HOST --port $PORT"
        command: tuple[str, ...] = ("sh", "-c", line)
    elif re.search(r"__name__\s*==\s*[\"']__main__[\"']", text) and _serves(text):
        command = (INTERPRETER, name)
    else:
        command = ()
    fixed = None if app or "PORT" in text else first(r"\bport\s*=\s*(\d{2,5})\b", text)
    return Facts(
        command=command,
        fixed_port=int(fixed) if fixed and command else None,
        check=check_path(text),
        needs=secrets_among(one or other for one, other in _VARIABLE.findall(text)),
        websocket=first(_SOCKET, text) or (first(_AIOHTTP, text) if "WebSocketR" in text else None),
    )


def _serves(text: str) -> bool:
    return (
        re.search(r"uvicorn\.run|web\.run_app|websockets\.serve|\.serve\(|app\.run\(", text)
        is not None
    )
