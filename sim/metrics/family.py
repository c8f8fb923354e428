"""Families of samples for the exposition: a few words for what prometheus_client has in many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    UnknownMetricFamily,
)

from sim.observe.histogram import Histogram

Labels = tuple[str, ...]
Rows = Iterable[tuple[Labels, float]]


def gauge(name: str, text: str, labels: Labels, rows: Rows) -> Metric:
    """What goes up and down."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def counter(name: str, text: str, labels: Labels, rows: Rows) -> Metric:
    """What only grows; the name ends in `_total`."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def flys_counter(name: str, text: str, labels: Labels, rows: Rows) -> Metric:
    """What only grows under a name of Fly's, which does not end as Prometheus wants counters to.

    So its type is untyped, as it is of what Fly's own Prometheus is asked for.
    """
    family = UnknownMetricFamily(name, text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def histogram(name: str, text: str, labels: Labels, rows: Mapping[Labels, Histogram]) -> Metric:
    """How values are spread."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, found in rows.items():
        bounds = [*(repr(float(bound)) for bound in found.bounds), "+Inf"]
        buckets = list(zip(bounds, map(float, found.cumulative), strict=True))
        family.add_metric(values, buckets, found.sum)
    return family
