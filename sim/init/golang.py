"""What go.mod and Go say."""

from __future__ import annotations

import re

from sim.init.facts import Facts
from sim.init.sources import check_path, first, label, secrets_among

_DATABASES = ("github.com/jackc/pgx", "github.com/lib/pq", "gorm.io/driver/postgres")
_SOCKET_PATH = (
    r"""Handle(?:Func)?\(\s*["`](?:GET )?(/(?:wss?|socket|live|echo|stream)(?:/[\w/-]*)?)["`]"""
)
# flag.String("addr", ":9000", …), flag.Int("port", 9000, …)
_ADDRESS_FLAG = re.compile(
    r"""flag\.(String|Int)(?:Var)?\((?:&\w+(?:\.\w+)*,\s*)?"([\w-]+)",\s*"?(?:[\w.]*:)?\d{2,5}"?,"""
)


def read_go_mod(text: str) -> Facts:
    """The module's name, and whether it speaks to PostgreSQL."""
    module = first(r"(?m)^module\s+(\S+)", text)
    return Facts(
        app=label(module or ""),
        database=next((name for name in _DATABASES if name in text), None),
    )


def read_go(text: str, name: str) -> Facts:
    """What a source file of Go tells; the folder of `func main` is the program."""
    main = re.search(r"^package main\b", text, re.MULTILINE) and "func main()" in text
    folder = name.rpartition("/")[0]
    reads_port = 'Getenv("PORT")' in text or 'LookupEnv("PORT")' in text
    port = None if reads_port else first(r"""["'`](?:0\.0\.0\.0|localhost)?:(\d{2,5})["'`]""", text)
    flagged = None if reads_port else _ADDRESS_FLAG.search(text)
    if flagged:  # told by an argument, as the image tells it
        address = "$PORT" if flagged[1] == "Int" else "$HOST:$PORT"
        command: tuple[str, ...] = ("sh", "-c", f'exec ./sim/gateway -{flagged[2]} "{address}"')
        port = None
    else:
        command = ("./sim/gateway",)
    return Facts(
        command=command if main else (),
        prepare=f"go build -o sim/gateway ./{folder}".rstrip("/") if main else None,
        fixed_port=int(port) if port else None,
        check=check_path(text),
        needs=secrets_among(re.findall(r'os\.Getenv\("([A-Z][A-Z0-9_]*)"\)', text)),
        websocket=first(_SOCKET_PATH, text),
    )
