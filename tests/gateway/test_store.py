from __future__ import annotations

import json
from typing import Any

from sim.clock import Clock
from sim.gateway.store import Store, Variant


class FakeStatement:
    def __init__(self) -> None:
        self.arguments: list[Any] = []

    async def fetch(self, *arguments: object) -> list[object]:
        self.arguments = list(arguments)
        return []


async def test_a_batch_is_written_by_session_and_acknowledged_as_it_came() -> None:
    """Two machines that write the same rows in opposite orders would lock each other out."""
    store = Store("", "fra", "m1", Variant(), Clock())
    acknowledged: list[int] = []
    for session, seq in [("b", 11), ("a", 21), ("b", 12), ("a", 22)]:
        store.append(session, seq, f"body {seq}", acknowledged.append)
    statement = FakeStatement()
    await store._store(statement, store._messages._waiting)  # type: ignore[arg-type]
    batch, *here = statement.arguments
    assert [(m["session"], m["seq"], m["body"]) for m in json.loads(batch)] == [
        ("a", 21, "body 21"),
        ("a", 22, "body 22"),
        ("b", 11, "body 11"),
        ("b", 12, "body 12"),
    ]
    assert here == ["fra", "m1"]
    assert acknowledged == [11, 21, 12, 22]
