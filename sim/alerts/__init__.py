"""Alerts: what somebody on call would be told, computed from a world's events and sent out."""
