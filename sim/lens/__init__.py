"""The lens: processes of this host that see time pass at the world's speed, whatever they are.

A small program in C (the folder `c`) runs a command so that its clocks, sleeps, timers and timeouts
count `speed` times. Here it is found or built (`program`), tried (`trial`) and put before commands
(`lens`).
"""
