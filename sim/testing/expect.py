"""Expectations, each a check of scenarios with the same parameters, judged on what was seen so far.

Every one raises ExpectationError (an AssertionError) where it does not hold, with what was observed
and why; and where it is not known, because nothing that was seen can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Demand = Callable[[Mapping[str, Any]], None]


class Expect:
    """What a world is to have shown. Times are written `70s`; `from_` and `until` are bounds.

    They count from the start of the last load, or of the world where there was none.
    """

    def __init__(self, demand: Demand) -> None:
        self._demand = demand

    def __repr__(self) -> str:
        return "<Expect>"

    def __call__(self, check: str, **params: object) -> None:
        """Any check by its name, its parameters as in a scenario (`from_` for `from`)."""
        __tracebackhide__ = True
        given = {key.rstrip("_"): value for key, value in params.items() if value is not None}
        self._demand({"check": check, **given})

    def served_by(
        self, location: str, region: str, *, from_: str | None = None, until: str | None = None
    ) -> None:
        """Everybody in a location is served by that region."""
        __tracebackhide__ = True
        self("served_by", location=location, region=region, from_=from_, until=until)

    def outage(
        self,
        location: str,
        *,
        max: str | None = None,  # noqa: A002 - the scenario's word
        min: str | None = None,  # noqa: A002 - as above
        longer_than: str | None = None,
        resolver: str | None = None,
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """The worst client of a location was cut off for at most, or at least, so long.

        Outages of `longer_than` and less do not count.
        """
        __tracebackhide__ = True
        bounds = {"max": max, "min": min, "longer_than": longer_than, "resolver": resolver}
        self("outage", location=location, **bounds, from_=from_, until=until)

    def messages(
        self,
        *,
        lost: int | None = None,
        duplicated: int | None = None,
        reordered: int | None = None,
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """So many acknowledged messages are missing, stored twice, or out of order, and no more."""
        __tracebackhide__ = True
        counts = {"lost": lost, "duplicated": duplicated, "reordered": reordered}
        self("messages", **counts, from_=from_, until=until)

    def sessions(
        self, *, resumed: str = "all", from_: str | None = None, until: str | None = None
    ) -> None:
        """Every interrupted session was resumed with all it had."""
        __tracebackhide__ = True
        self("sessions", resumed=resumed, from_=from_, until=until)

    def residency(self, policy: str, *, from_: str | None = None, until: str | None = None) -> None:
        """No message of a policy's locations was served outside its regions."""
        __tracebackhide__ = True
        self("residency", policy=policy, from_=from_, until=until)

    def latency(
        self,
        location: str,
        *,
        max: str,  # noqa: A002 - the scenario's word
        region: str | None = None,
        percentile: float | str | None = None,
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """A percentile of the answers to a location took at most so long."""
        __tracebackhide__ = True
        more = {"region": region, "percentile": percentile, "from_": from_, "until": until}
        self("latency", location=location, max=max, **more)

    def errors(
        self,
        *,
        max: str,  # noqa: A002 - the scenario's word
        location: str | None = None,
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """At most such a share of what was tried was refused, as `1%`."""
        __tracebackhide__ = True
        self("errors", max=max, location=location, from_=from_, until=until)

    def gaps(
        self,
        location: str,
        *,
        max: str,  # noqa: A002 - the scenario's word
        percentile: float | str | None = None,
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """No stream of a location's clients was silent for longer, or so many percent were not."""
        __tracebackhide__ = True
        more = {"percentile": percentile, "from_": from_, "until": until}
        self("gaps", location=location, max=max, **more)

    def dns(
        self,
        location: str,
        region: str,
        *,
        within: str | None = None,
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """DNS leads a location to that region, or does so within that time of a fault."""
        __tracebackhide__ = True
        times = {"within": within, "from_": from_, "until": until}
        self("dns", location=location, region=region, **times)

    def deploy(
        self,
        *,
        outcome: str | None = None,
        max: int | None = None,  # noqa: A002 - the scenario's word
        min: int | None = None,  # noqa: A002 - as above
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """Every deploy ended so (`done`, `failed`), and dropped so many connections at most."""
        __tracebackhide__ = True
        asked = {"outcome": outcome, "max": max, "min": min, "from_": from_, "until": until}
        self("deploy", **asked)

    def disconnects(
        self,
        *,
        max: int | str,  # noqa: A002 - the scenario's word
        location: str | None = None,
        region: str | None = None,
        code: int | None = None,
        by: str | None = None,
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """At most so many connections (or such a share, as `5%`) were ended, by whom it may be."""
        __tracebackhide__ = True
        asked = {"location": location, "region": region, "code": code, "by": by, "max": max}
        self("disconnects", **asked, from_=from_, until=until)

    def machines(
        self, *, deaths: int | str = 0, from_: str | None = None, until: str | None = None
    ) -> None:
        """No more machines than that died by themselves; `any` takes every number."""
        __tracebackhide__ = True
        self("machines", deaths=deaths, from_=from_, until=until)

    def in_step(
        self, *, of: str | None = None, from_: str | None = None, until: str | None = None
    ) -> None:
        """All machines that run have the same image and the newest secrets, or one `of` these."""
        __tracebackhide__ = True
        self("in_step", of=of, from_=from_, until=until)

    def cost(
        self,
        *,
        max: float,  # noqa: A002 - the scenario's word
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """The machines cost at most so many US dollars a month at Fly, egress not counted."""
        __tracebackhide__ = True
        self("cost", max=max, from_=from_, until=until)

    def herd(
        self,
        region: str,
        *,
        max: str,  # noqa: A002 - the scenario's word
        from_: str | None = None,
        until: str | None = None,
    ) -> None:
        """A region never got more new connections than that, as `20/s`."""
        __tracebackhide__ = True
        self("herd", region=region, max=max, from_=from_, until=until)
