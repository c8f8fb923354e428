"""What the docs have from the code itself: `python -m tools.pages` writes it into the pages.

Each part stands between two comments, such as `<!-- faults -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import grimp

from sim.network.embedded.toxics import TOXICS, Toxic
from sim.scenario.checks import CHECKS
from sim.scenario.faults import FAULTS, FaultSpec
from sim.scenario.trigger import EVENTS, told_by
from tests.wall import wall

ROOT = Path(__file__).parents[1]


def fault_table() -> str:
    """Every fault, what it is done to, and what it does."""
    rows = [f"| `{spec.name}` | {_targets(spec)} | {spec.summary} |" for spec in FAULTS.values()]
    return "\n".join(("| fault | target | what it does |", "|---|---|---|", *rows))


def check_table() -> str:
    """Every check, when it holds, and its parameters."""
    rows = [f"| `{spec.name}` | {spec.summary} | {spec.takes} |" for spec in CHECKS.values()]
    return "\n".join(("| check | holds when | parameters |", "|---|---|---|", *rows))


def trigger_table() -> str:
    """Every event that a fault can be tied to, and by what it is told from others of its kind."""
    rows = [
        f"| `{event}` | {', '.join(f'`{field}`' for field in told_by(event))} | {_claim(cls)} |"
        for event, cls in EVENTS.items()
    ]
    return "\n".join(("| event | told by | what happened |", "|---|---|---|", *rows))


def _claim(cls: type) -> str:
    return (cls.__doc__ or "").splitlines()[0]


def toxic_table() -> str:
    """Every toxic, its attributes with their units, and its effect."""
    rows = [
        f"| `{kind}`{'' if toxic.stock else ' ¹'} | {_attributes(toxic)} | {toxic.summary} |"
        for kind, toxic in TOXICS.items()
    ]
    return "\n".join(("| type | attributes | effect |", "|---|---|---|", *rows))


def _attributes(toxic: type[Toxic]) -> str:
    return ", ".join(f"`{name}` ({unit})" for name, unit in toxic.units().items())


def _targets(spec: FaultSpec) -> str:
    if not spec.targets:
        return "everything"
    return ", ".join((*spec.targets, *(["or everything"] if spec.target_optional else [])))


def import_picture() -> str:
    """Which package imports which, as Mermaid draws it.

    An arrow is left out where a longer way says the same (the transitive reduction). Raises
    ValueError where packages import each other in a circle.
    """
    arrows = _package_imports()
    reach = {package: _reachable(package, arrows) for package in arrows}
    if circle := sorted(package for package, reached in reach.items() if package in reached):
        raise ValueError(f"packages import each other in a circle: {', '.join(circle)}")
    drawn = [
        f"    {source} --> {target}"
        for source, targets in sorted(arrows.items())
        for target in sorted(targets)
        if not any(target in reach[other] for other in targets - {target})
    ]
    return "\n".join(("```mermaid", "graph TD", *drawn, "```"))


def _package_imports() -> dict[str, set[str]]:
    """The packages and single modules right below `sim`, and which of them each imports."""
    graph = grimp.build_graph("sim", cache_dir=None)
    parts = sorted(graph.find_children("sim") - {"sim.__main__"})
    return {
        _name(part): {
            _name(other)
            for other in parts
            if other != part
            and graph.direct_import_exists(importer=part, imported=other, as_packages=True)
        }
        for part in parts
    }


def _name(module: str) -> str:
    return module.removeprefix("sim.")


def _reachable(start: str, arrows: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    edge = set(arrows[start])
    while edge:
        found |= edge
        edge = {target for part in edge for target in arrows[part]} - found
    return found


PARTS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "faults": ("docs/scenarios.md", fault_table),
    "triggers": ("docs/scenarios.md", trigger_table),
    "wall": ("docs/wall.md", wall.as_table),
    "checks": ("docs/scenarios.md", check_table),
    "toxics": ("docs/links.md", toxic_table),
    "imports": ("docs/architecture.md", import_picture),
}


def with_part(text: str, name: str) -> str:
    """A page's text with that part as the code has it now. Raises ValueError where it has none."""
    made = PARTS[name][1]()
    text, count = re.subn(
        rf"(<!-- {name} -->\n).*?(\n<!-- end -->)",
        lambda match: match[1] + made + match[2],
        text,
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"the page has {count} places for {name}")
    return text


def main() -> None:
    """Write every part into its page."""
    for name, (page, _) in PARTS.items():
        path = ROOT / page
        path.write_text(with_part(path.read_text(), name))


if __name__ == "__main__":
    main()
