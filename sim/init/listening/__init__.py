"""`sim init --listen`: a session of the user's own client watched, and the driver that says it.

`proxy` stands between client and gateway and fills a `Transcript`; `driver_from` (pure) makes a
YAML driver of it, with `leaves` (values in a message), `numbering` (what is acknowledged by what)
and `greeting` (what comes before).
"""
