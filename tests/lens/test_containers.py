"""What a container runs with the lens before it: what the engine would have run without."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from sim.lens.lens import Lens
from sim.machines.docker.container_lens import NOTES, PROGRAM, archive, before, entrypoint
from sim.machines.runtime import MachineSpec
from sim.topology.addresses import Endpoint

LENS = Lens(Path("/home/me/.cache/lens"), 10.0, 5)


class Api:
    """An engine whose images have this entrypoint and this command."""

    def __init__(self, inside: list[str] | None, command: list[str] | None) -> None:
        self.config = {"Entrypoint": inside, "Cmd": command}

    def inspect_image(self, _: str | None) -> dict[str, object]:
        return {"Config": self.config}


def spec(inside: tuple[str, ...] | None, command: tuple[str, ...] | None) -> MachineSpec:
    return MachineSpec(
        id="m",
        region="fra",
        command=command,
        image="image",
        env={},
        endpoint=Endpoint("127.0.0.1", 1),
        folder=Path("/"),
        log_path=Path("/log"),
        entrypoint=inside,
    )


@pytest.mark.parametrize(
    ("image", "asked", "run"),
    [
        ((["node"], ["app.js"]), (None, None), ["node", "app.js"]),
        ((["node"], None), (None, None), ["node"]),
        ((None, ["sh", "-c", "x"]), (None, None), ["sh", "-c", "x"]),
        ((["node"], ["app.js"]), (None, ("other.js",)), ["node", "other.js"]),
        ((["node"], ["app.js"]), (("bun",), ("other.js",)), ["bun", "other.js"]),
        ((["node"], ["app.js"]), (("bun",), None), ["bun"]),  # an image's own command goes with it
    ],
)
def test_the_lens_comes_before_what_the_engine_puts_together(image, asked, run):
    argv = entrypoint(Api(*image), LENS, spec(*asked))
    assert argv[0] == str(PROGRAM)
    assert argv[argv.index("--notes") + 1] == str(NOTES)
    assert argv[argv.index("--") + 1 :] == run


def test_a_command_in_a_container_sees_the_same_time_and_notes_nothing() -> None:
    argv = before(LENS, ["date"])
    assert argv == [str(PROGRAM), "--speed", "10.0", "--base", "5", "--", "date"]


def test_any_user_may_run_the_program_and_write_its_notes(tmp_path: Path) -> None:
    program = tmp_path / "lens"
    program.write_bytes(b"the program")
    with tarfile.open(fileobj=io.BytesIO(archive(program))) as files:
        modes = {f"/{member.name}": member.mode for member in files}
    assert modes == {str(PROGRAM): 0o755, str(NOTES): 0o666}
