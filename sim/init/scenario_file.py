"""The text of a first scenario: the second region's machine crashes, and is started again."""

from __future__ import annotations

from sim.init.places import Places

_TEMPLATE = """\
# A scenario: what happens to the world of a topology, and what must be so afterwards.
#
#   sim run FILE           runs it and gives a verdict
name: {second} crashes
topology: {topology}
load: {{driver: {driver}, clients: 20, every: 1s}}
timeline:
  - {{at: 20s, fault: crash, region: {second}}}
  - {{at: 100s, fault: start, region: {second}}}
duration: 130s
expect:
  - {{check: served_by, location: {far}, region: {second}, until: 20s}}
  # A failed check is noticed after up to {detection_s} s, a DNS answer is kept for up to 30 s.
  - {{check: outage, location: {far}, max: {most_s}s}}
  - {{check: outage, location: {near}, max: 0s}}
"""


def scenario_text(places: Places, topology: str, driver: str, detection_s: float) -> str:
    """The file. `detection_s` is a health check's interval and timeout."""
    most_s = round(detection_s + 40)  # 30 s of DNS, 10 s to come back after a backoff
    return _TEMPLATE.format(
        second=places.second,
        near=places.near,
        far=places.far,
        topology=topology,
        driver=driver,
        detection_s=round(detection_s),
        most_s=most_s,
    )
