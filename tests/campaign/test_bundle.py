"""What goes along to machines that have nothing of a campaign."""

from __future__ import annotations

import io
import tarfile

import pytest

from sim.campaign import bundle
from sim.errors import InputError
from tests.campaign.conftest import TOPOLOGIES


def test_the_folders_are_those_that_the_files_name(campaign, tmp_path):
    folders = bundle.folders_of(campaign(), tmp_path)
    assert set(folders.needed) == {TOPOLOGIES, tmp_path}
    assert (folders.common / folders.at).samefile(tmp_path)


def of(folder):
    return bundle.Folders([folder], folder, ".")


def test_the_package_and_the_files_are_in_it_and_what_is_made_anew_is_not(tmp_path):
    for name in ("crash.yaml", ".git/config", "results/cells/abc/journal.jsonl", "drivers/mine.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    with tarfile.open(fileobj=io.BytesIO(bundle.packed(of(tmp_path)))) as archive:
        names = set(archive.getnames())
    assert {"package/sim/__init__.py", "files/crash.yaml", "files/drivers/mine.py"} <= names
    assert not any(".git" in name or "__pycache__" in name or "cells" in name for name in names)


def test_a_folder_that_is_too_large_to_send_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "_MOST_BYTES", 100)
    with pytest.raises(InputError, match="put the campaign's files apart"):
        bundle.packed(of(tmp_path))
