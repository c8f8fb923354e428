"""CPython with threads: prints how long each way of waiting lasted, by its own clock."""

import select
import socket
import sys
import threading
import time

LONG = float(sys.argv[1])


def sleep(span):
    thread = threading.Thread(target=time.sleep, args=(span,))
    thread.start()
    thread.join()


def interval(span):
    for _ in range(5):
        threading.Event().wait(span / 5)


def poll(span):
    select.poll().poll(span * 1000)


def condition(span):
    condition = threading.Condition()
    with condition:
        condition.wait(span)


def deadline(span):
    near, far = socket.socketpair()
    near.settimeout(span)
    try:
        near.recv(1)
    except TimeoutError:
        far.close()
        near.close()


for name, wait in (
    ("sleep", sleep),
    ("interval", interval),
    ("poll timeout", poll),
    ("condition wait", condition),
    ("read deadline", deadline),
):
    wait(LONG / 50)  # so that nothing is done for the first time
    began = time.monotonic()
    wait(LONG)
    print("lasted", time.monotonic() - began, name, flush=True)
print("calendar", time.time(), flush=True)
