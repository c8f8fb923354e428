"""An editor's language server beside the files of `sim init`: it completes, and marks mistakes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.init.look import look
from sim.init.starter import starter

VERSION = "1.19.2"

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def server():
    """The program of yaml-language-server, from npm."""
    if not shutil.which("npm"):
        pytest.skip("no npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / f"multi-region-sim/yaml-language-server-{VERSION}"
    program = folder / "node_modules/.bin/yaml-language-server"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        install = [
            "npm",
            "install",
            "--silent",
            "--prefix",
            str(folder),
            f"yaml-language-server@{VERSION}",
        ]
        subprocess.run(install, check=True, timeout=120)
    return str(program)


class Editor:
    """One conversation with the language server."""

    def __init__(self, process):
        self._process = process
        self._number = 0

    async def say(self, method, params, *, asks=False):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if asks:
            self._number += 1
            message["id"] = self._number
        await self._send(message)
        while asks:
            heard = await self.hear()
            if heard.get("id") == self._number and "method" not in heard:
                return heard["result"]
        return None

    async def hear(self):
        """The next message; the server's own questions are answered."""
        header = await self._process.stdout.readuntil(b"\r\n\r\n")
        length = int(header.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        message = json.loads(await self._process.stdout.readexactly(length))
        if "id" in message and "method" in message:
            yaml = {"validate": True, "completion": True}
            items = message.get("params", {}).get("items", [])
            answer = [yaml if item.get("section") == "yaml" else {} for item in items] or None
            await self._send({"jsonrpc": "2.0", "id": message["id"], "result": answer})
        return message

    async def mistakes(self, path, text):
        """What it marks in a file, by line."""
        document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        await self.say("textDocument/didOpen", {"textDocument": document})
        while True:
            heard = await self.hear()
            if heard.get("method") == "textDocument/publishDiagnostics":
                found = heard["params"]["diagnostics"]
                return {one["range"]["start"]["line"] + 1: one["message"] for one in found}

    async def _send(self, message):
        body = json.dumps(message).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await self._process.stdin.drain()


@pytest.fixture
async def editor(server, tmp_path):
    for name, text in starter(look(tmp_path), tmp_path, tmp_path / "sim").files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(server, "--stdio", stdin=pipe, stdout=pipe)
    editor = Editor(process)
    able = {"workspace": {"configuration": True}, "textDocument": {"completion": {}}}
    begin = {"processId": None, "rootUri": tmp_path.as_uri(), "capabilities": able}
    await editor.say("initialize", begin, asks=True)
    await editor.say("initialized", {})
    yield editor
    process.kill()
    await process.wait()


async def test_it_marks_mistakes_and_completes_what_is_allowed(editor, tmp_path):
    path = tmp_path / "topology.yaml"
    fine = path.read_text()
    wrong = fine.replace("ttl: 30s", "ttl: 30").replace("mode: geodns", "mode: dns")
    marks = await editor.mistakes(path, wrong)
    lines = wrong.splitlines()
    assert sorted(lines[number - 1].split("#")[0].strip() for number in marks) == [
        "mode: dns",
        "ttl: 30",
    ]
    at = {
        "line": next(n for n, line in enumerate(lines) if line.startswith("  ttl:")),
        "character": 2,
    }
    asked = {"textDocument": {"uri": path.as_uri()}, "position": at}
    offered = await editor.say("textDocument/completion", asked, asks=True)
    assert {"all_down", "min_ttl", "answers"} <= {item["label"] for item in offered["items"]}


async def test_it_marks_nothing_in_what_sim_init_writes(editor, tmp_path):
    for name in ("topology.yaml", "crash.yaml"):
        path = tmp_path / name
        assert await editor.mistakes(path, path.read_text()) == {}
