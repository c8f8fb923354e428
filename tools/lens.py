"""Builds the lens for every processor it knows, for a release: before `hatch build`.

python -m pip install ziglang
python -m tools.lens
"""

from __future__ import annotations

import shutil

from sim.lens.lens_program import BUILT, PROCESSORS, build, name_for


def main() -> None:
    """Build them where the wheel takes them from; others that were there go."""
    shutil.rmtree(BUILT, ignore_errors=True)
    BUILT.mkdir()
    for processor in sorted(set(PROCESSORS.values())):
        target = BUILT / name_for(processor)
        build(target, for_processor=processor)
        print(target.relative_to(BUILT.parents[2]))  # noqa: T201 - a tool says what it made


if __name__ == "__main__":
    main()
