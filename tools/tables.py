"""The tables of the docs that are made from specifications: `python -m tools.tables` writes them.

A table stands between two comments, `<!-- faults -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from sim.scenario.faults import FAULTS, FaultSpec

ROOT = Path(__file__).parents[1]


def fault_table() -> str:
    """Every fault, what it is done to, and what it does."""
    rows = [f"| `{spec.name}` | {_targets(spec)} | {spec.summary} |" for spec in FAULTS.values()]
    return "\n".join(("| fault | target | what it does |", "|---|---|---|", *rows))


def _targets(spec: FaultSpec) -> str:
    return ", ".join((*spec.targets, *(["or everything"] if spec.target_optional else [])))


TABLES: Mapping[str, tuple[str, Callable[[], str]]] = {
    "faults": ("docs/scenarios.md", fault_table),
}


def with_table(text: str, name: str) -> str:
    """A page's text with that table as the specifications have it now."""
    made = TABLES[name][1]()
    return re.sub(
        rf"(<!-- {name} -->\n).*?(\n<!-- end -->)",
        lambda match: match[1] + made + match[2],
        text,
        flags=re.DOTALL,
    )


def main() -> None:
    """Write every table into its page."""
    for name, (page, _) in TABLES.items():
        path = ROOT / page
        path.write_text(with_table(path.read_text(), name))


if __name__ == "__main__":
    main()
