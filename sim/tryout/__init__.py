"""`sim driver`: one client of a driver at a gateway that runs, and everything that is said.

`matches` (pure) says what each message is to the driver, `telling` overhears the client's HTTP and
WebSocket, `tryout` lives a few messages, a reconnect and the question of what is stored.
"""
