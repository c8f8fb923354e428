"""The lens in containers: copied into each, and put before what its image runs.

Nothing is mounted, so that it does not matter where the engine runs, and the image stays as it is.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from docker.errors import APIError

from sim.docker.engine import connect, said
from sim.lens.lens import Lens
from sim.lens.lens_trial import lack, tried_program
from sim.machines.docker.archive import packed
from sim.machines.runtime import MachineSpec

PROGRAM, NOTES = Path("/sim-lens"), Path("/sim-lens.notes")
_TRIAL = "sim-lens-trial"
_WITHIN_REAL_S = 30


def archive(program: Path) -> bytes:
    """What is unpacked into a container: the program, and a file that any user may write."""
    return packed({PROGRAM: (program.read_bytes(), 0o755), NOTES: (b"", 0o666)})


def before(lens: Lens, argv: list[str]) -> list[str]:
    """The command that runs this one under the lens, in a container that has it."""
    return replace(lens, program=PROGRAM).through(argv)


def entrypoint(api: Any, lens: Lens, spec: MachineSpec) -> list[str]:
    """All that a machine's container runs, with the lens before it: as the engine puts it together.

    Raises APIError.
    """
    if spec.entrypoint:
        argv = [*spec.entrypoint, *(spec.command or ())]
    else:
        image = api.inspect_image(spec.image)["Config"]
        argv = [*(image["Entrypoint"] or ()), *(spec.command or image["Cmd"] or ())]
    return replace(lens, program=PROGRAM).through(argv, NOTES)


def notes(api: Any, container: str) -> str:
    """What the lens has noted in a container, also one that has ended."""
    try:
        stream, _ = api.get_archive(container, str(NOTES))
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as files:
            held = files.extractfile(NOTES.name)
            return held.read().decode(errors="replace") if held else ""
    except (APIError, requests.RequestException, tarfile.TarError, KeyError):
        return ""  # it is gone, and the engine with it perhaps


def tried_in_containers(host: str | None) -> None:
    """See that the lens keeps true time in the containers of an engine; None: of this host's own.

    Raises EnvironmentLacksError where it does not, or no engine answers.
    """
    api = connect(host=host)
    try:
        engine = str(api.info()["ID"])
        tried_program(engine, lambda lens, program: _run(api, lens, program))
    except (APIError, requests.RequestException) as error:
        what = said(error) if isinstance(error, APIError) else error
        raise lack(f"no container could be made to try it in: {what}") from error
    finally:
        api.close()


def _run(api: Any, lens: Lens, program: Path) -> list[str]:
    """What the trial prints in a container, whose image has nothing but the program."""
    image = f"{_TRIAL}:{program.name.rpartition('-')[2]}"
    repository, _, tag = image.partition(":")
    data = packed({PROGRAM: (program.read_bytes(), 0o755)})
    api.import_image_from_data(data, repository=repository, tag=tag)
    container = None
    try:
        argv = before(lens, [str(PROGRAM), "--probe"])
        config = api.create_host_config(network_mode="none", init=True)
        container = api.create_container(image, entrypoint=argv, host_config=config)["Id"]
        api.start(container)
        ended = api.wait(container, timeout=_WITHIN_REAL_S)
        text = api.logs(container).decode(errors="replace")
        if ended["StatusCode"] != 0:
            raise lack(f"in a container: {text.strip() or ended}", "use --runtime process")
        return str(text).splitlines()
    finally:
        with contextlib.suppress(APIError):  # another world tries it too
            if container:
                api.remove_container(container, force=True, v=True)
            api.remove_image(image, force=True)
