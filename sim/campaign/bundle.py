"""What a campaign takes along to machines that have nothing of it: the package, and its files."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.campaign.matrix import Campaign
from sim.errors import InputError, Problem
from sim.scenario.load_scenario import load_scenario

_LEFT_HERE = frozenset({".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", "cells"})
_MOST_BYTES = 200 * 1024**2
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Folders:
    """The folders that have what a campaign's files name; `common` has them all, and much else."""

    needed: Sequence[Path]
    common: Path
    at: str  # where the campaign's own is in it


def folders_of(campaign: Campaign, base: Path) -> Folders:
    """The folders of the campaign, of its scenarios, of their topologies and of the gateway."""
    found = {base.resolve()}
    for name in campaign.scenarios:
        topology = load_scenario(base / name).topology
        found.add((base / name).resolve().parent)
        if topology.path is not None:
            gateway = topology.document["gateway"].get("folder", ".")
            found |= {topology.path.resolve().parent, (topology.path.parent / gateway).resolve()}
    outer = [one for one in found if not any(other in one.parents for other in found)]
    common = Path(os.path.commonpath(outer))
    return Folders(sorted(outer), common, os.path.relpath(base.resolve(), common))


def packed(folders: Folders) -> bytes:
    """A compressed archive: the package in `package/sim`, the folders in `files/`.

    Raises InputError for folders that are too large to send.
    """
    buffer = io.BytesIO()
    size = 0

    def taken(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        nonlocal size
        if _LEFT_HERE.intersection(Path(member.name).parts):
            return None
        size += member.size
        if size > _MOST_BYTES:
            message = (
                f"more than {_MOST_BYTES // 1024**2} MiB to send: put the campaign's files apart"
            )
            raise InputError(Problem(message, ", ".join(map(str, folders.needed))))
        return member if member.isfile() or member.isdir() or member.issym() else None

    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(_PACKAGE, "package/sim", filter=taken)
        for folder in folders.needed:
            place = folder.relative_to(folders.common)
            archive.add(folder, str(Path("files") / place), filter=taken)
    return buffer.getvalue()
