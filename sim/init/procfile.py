"""What a Procfile says: the command of its process `web`."""

from __future__ import annotations

import re

from sim.init.command_lines import command_of_line
from sim.init.facts import Facts


def read_procfile(text: str) -> Facts:
    """Heroku's and foreman's `web: COMMAND`."""
    match = re.search(r"^web:\s*(.+)$", text, re.MULTILINE)
    return Facts(command=command_of_line(match[1]) if match else ())
