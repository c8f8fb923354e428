"""A run as one HTML page that opens from disk: `render(evidence, verdict, report) -> str`."""

from sim.report.html.report_page import render

__all__ = ["render"]
