"""timed.py FOLDER URL [all]: what programs of five kinds make of a name with two addresses.

They run side by side; printed as JSON: for each how many seconds it took, and its exit code. With
`all`, also those that have no timeout of their own for connecting, which takes two minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time  # noqa: TID251 - it is run outside of any world
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent


def cases(folder: Path, url: str) -> dict[str, list[str]]:
    """Programs that give up connecting by themselves."""
    node, python = ["node", str(HERE / "get.js")], [sys.executable, str(HERE / "get.py")]
    go, java = [str(folder / "get")], ["java", "-cp", str(folder), "Get"]
    return {
        "curl --connect-timeout 4": ["curl", "-sS", "--connect-timeout", "4", url],
        "Node.js, fetch": [*node, url],
        "Node.js, http.get, 3 s": [*node, url, "3000"],
        "Go, net/http, dial 4 s": [*go, url, "4s"],
        "Python, urllib, 3 s": [*python, url, "3"],
        "Java, HttpURLConnection, 3 s": [*java, url, "3000"],
    }


def endless(folder: Path, url: str) -> dict[str, list[str]]:
    """Programs that leave it to their kernel, or nearly so."""
    return {
        "curl": ["curl", "-sS", url],
        "Node.js, http.get": ["node", str(HERE / "get.js"), url, "300000"],
        "Go, net/http": [str(folder / "get"), url],
        "Python, urllib": [sys.executable, str(HERE / "get.py"), url],
        "Java, HttpURLConnection": ["java", "-cp", str(folder), "Get", url],
    }


def run(command: list[str]) -> tuple[float, int, str]:
    """Seconds, exit code and the last line that was said."""
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip().rpartition("\n")[2]
    return round(time.monotonic() - begun, 2), done.returncode, said


def main(folder: Path, url: str, *which: str) -> None:
    """Run them, and print."""
    commands = {**cases(folder, url), **(endless(folder, url) if which else {})}
    with ThreadPoolExecutor(len(commands)) as pool:
        found = dict(zip(commands, pool.map(run, commands.values()), strict=True))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
