"""The scripts of pages: modules in one text; what they compute, Node.js's own runner tests."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.page import modules
from sim.page.modules import bundle

HERE = Path(__file__).parent
PAGES = [("sim.report.html", "page.js"), ("sim.dashboard", "live.js")]
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


def node(*arguments):
    """What Node.js prints; it takes our files for modules, as newer versions do by themselves."""
    assert NODE
    as_modules = "--experimental-default-type=module"
    known = subprocess.run([NODE, as_modules, "-e", "0"], capture_output=True, check=False)
    options = [] if known.returncode else [as_modules]
    done = subprocess.run(
        [NODE, *options, *arguments], cwd=HERE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page of modules: each file by its name, `main.js` last. Gives the bundle."""
    monkeypatch.setattr(modules, "files", lambda _package: tmp_path)
    (tmp_path / "assets").mkdir()

    def make(**texts):
        for name, text in texts.items():
            (tmp_path / "assets" / f"{name}.js").write_text(text)
        return bundle("any", "main.js")

    return make


@needs_node
def test_what_the_pages_modules_compute():
    told = node("--test", "--test-reporter=tap", str(HERE / "figures.test.mjs"))
    assert int(re.search(r"^# pass (\d+)$", told, re.MULTILINE)[1]) >= 12  # type: ignore[index]


@needs_node
@pytest.mark.parametrize(("package", "entry"), PAGES)
def test_the_script_of_a_page_is_one_that_can_be_read(tmp_path, package, entry):
    script = tmp_path / "page.cjs"
    script.write_text(bundle(package, entry))
    node("--check", str(script))
    assert not re.search(r"^(import|export)\b", script.read_text(), re.MULTILINE)


@needs_node
def test_names_pass_from_module_to_module_and_each_runs_once(page, tmp_path):
    first = [
        'console.log("first");',
        "const one = () => 1, two = 2;",
        "export { one, two as zwei };",
    ]
    second = ['import { one } from "./first.js";', "export const twice = () => 2 * one();"]
    main = [
        'import { one as eins, zwei } from "./first.js";',
        'import { twice } from "./second.js";',
    ]
    main += ["console.log(eins(), zwei, twice(), typeof one);"]
    lines = {"first": first, "second": second, "main": main}
    script = page(**{name: "\n".join([*module, ""]) for name, module in lines.items()})
    (tmp_path / "page.cjs").write_text(script)
    assert node(str(tmp_path / "page.cjs")) == "first\n1 2 2 undefined\n"


@pytest.mark.parametrize(
    "line", ['import x from "./first.js";', 'import "./first.js";', "export default 1;"]
)
def test_other_forms_of_modules_are_refused(page, line):
    with pytest.raises(ValueError, match=r"main\.js: `(im|ex)port .*` is a form"):
        page(first="", main=f"{line}\n")


def test_modules_that_need_each_other_are_refused(page):
    with pytest.raises(ValueError, match=r"circle: main\.js → first\.js → main\.js"):
        page(
            first='import { a } from "./main.js";\nexport const b = 1;\n',
            main='import { b } from "./first.js";\nexport const a = 1;\n',
        )
