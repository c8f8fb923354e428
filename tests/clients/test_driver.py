from __future__ import annotations

import sys

import pytest

from sim.clients.driver_loading import load_driver
from sim.clients.drivers.echo import Echo
from sim.clients.drivers.http import Http
from sim.clients.drivers.session import Session
from sim.errors import InputError

SOURCE = """
class Good:
    async def run(self, client):
        pass

class Sync:
    def run(self, client):
        pass

class Needy:
    def __init__(self, url):
        pass
    async def run(self, client):
        pass

class Impatient:
    settles_within_s = "2s"
    async def run(self, client):
        pass

def function():
    pass
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "their_driver.py").write_text(SOURCE)
    (tmp_path / "broken_driver.py").write_text("1 / 0\n")
    (tmp_path / "needs_more.py").write_text("import a_module_nobody_has\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize(("name", "made"), [("http", Http), ("echo", Echo), ("session", Session)])
def test_built_in_drivers_have_names(name, made):
    assert load_driver(name) is made


def test_a_driver_of_ones_own_is_found_in_the_current_folder(folder):
    assert load_driver("their_driver:Good").__name__ == "Good"


def test_a_driver_is_found_beside_its_scenario_whatever_has_its_name_elsewhere(folder, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "their_driver.py").write_text(SOURCE)
        load_driver("their_driver:Good", tmp_path / name)
        assert sys.modules["their_driver"].__file__ == str(tmp_path / name / "their_driver.py")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sesion", "unknown driver `sesion`; did you mean `session`?"),
        ("what", "unknown driver `what`. Built in are session, echo, http"),
        ("their_driver", "unknown driver `their_driver`"),
        ("their_driver:", "unknown driver `their_driver:`"),
        ("their_driver:Goood", "module their_driver has no `Goood`; it has Good, Needy, Impatient"),
        ("their_driver:Sync", "needs a method `async def run(self, client)`"),
        ("their_driver:function", "is no driver"),
        ("their_driver:Needy", "cannot be made without arguments: TypeError: "),
        ("their_driver:Impatient", "`settles_within_s` must be a number of seconds, not '2s'"),
        ("no_such.module:X", "there is no module `no_such`"),
        ("broken_driver:X", "broken_driver failed when imported: ZeroDivisionError: "),
        ("needs_more:X", "needs_more needs `a_module_nobody_has`, which is not installed"),
    ],
)
def test_what_is_wrong_with_a_driver_is_said(folder, name, said):
    with pytest.raises(InputError) as caught:
        load_driver(name)
    (problem,) = caught.value.problems
    assert problem.field == "driver"
    assert said in problem.message
    assert "package.module:Class" in problem.message
