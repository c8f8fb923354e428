"""Files that are unpacked into a container: nothing is mounted, wherever the engine runs."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path


def packed(files: Mapping[Path, tuple[bytes, int]]) -> bytes:
    """An archive of files in one folder, each with its content and its mode."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for path, (content, mode) in files.items():
            info = tarfile.TarInfo(path.name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()
