"""The public API as typed code uses it: mypy reads this strictly, and test_usage.py runs it."""

from __future__ import annotations

from sim.testing import (
    Answer,
    CutOffError,
    ExpectationError,
    Outcome,
    RunningLoad,
    SimClient,
    SimSession,
    SimWorld,
)


async def crash_and_resume(world: SimWorld) -> SimSession:
    """What a user's test does, every result with its type."""
    client: SimClient = world.client("london", resolver="strict", timeout="20s")
    answer: Answer = await client.get("/")
    status: int = answer.status
    assert (status, answer.region) == (200, "fra")
    session: SimSession = await client.session()
    number: int = await session.send("hello")
    await session.ack(number)
    load: RunningLoad
    async with world.load(driver="session", clients=4, every="500ms") as load:
        names: list[str] = load.clients
        assert len(names) == 4
        await load.everyone_served()
        await world.region("fra").crash()
        reason: str = await session.lost()
        assert reason
        await world.settled()
        led_to: tuple[str, ...] = world.led_to("london")
        assert led_to == ("iad",)
        await load.everyone_served(within="60s")
    world.expect.outage("london", max="30s")
    world.expect.messages(lost=0, duplicated=0, reordered=0)
    outcome: Outcome = world.outcome()
    assert outcome.verdict.exit_code == 0
    return await client.session()


async def break_everything(world: SimWorld) -> None:
    """Every kind of target, and a mistake that is an AssertionError."""
    await world.link("london", "fra").slow("20ms", jitter="5ms")
    await world.link("london", "fra").loss("5%")
    await world.link("london", "fra").heal()
    await world.location("london").stale_dns()
    await world.service("database").outage()
    await world.machine("fra/1").sicken()
    await world.region("fra").blind()
    await world.heal()
    try:
        world.expect.latency("london", max="1ms", percentile=99)
    except ExpectationError as error:
        held: bool | None = error.finding.held
        assert held is not True
    assert issubclass(ExpectationError, AssertionError)
    assert issubclass(CutOffError, ConnectionError)
