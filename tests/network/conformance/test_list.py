"""The list of checks in docs/conformance.md names tests that are there, for every check."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
LIST = Path(__file__).parents[3] / "docs" / "conformance.md"


def test_every_check_of_the_list_has_its_tests() -> None:
    defined = {
        (path.name, name)
        for path in (*HERE.glob("test_*.py"), HERE.parent / "test_client.py")
        for name in re.findall(r"^async def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    rows = re.findall(r"^\| (\d+)( ≠)? \| .* \| (.+) \|$", LIST.read_text(), re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 78))
    for number, differs, cell in rows:
        tests = re.findall(r"`(test_\w+\.py)::(test_\w+)`", cell)
        assert tests, number
        assert set(tests) <= defined, number
        if differs:
            assert any(file == "test_differences.py" for file, _ in tests), number
