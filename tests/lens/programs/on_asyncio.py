"""CPython with asyncio: prints how long each way of waiting lasted, by its own clock."""

import asyncio
import sys
import time

LONG = float(sys.argv[1])


async def sleep(span):
    await asyncio.sleep(span)


async def interval(span):
    for _ in range(5):
        await asyncio.sleep(span / 5)


async def poll(span):
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=span)


async def condition(span):
    condition = asyncio.Condition()
    async with condition:
        try:
            async with asyncio.timeout(span):
                await condition.wait()
        except TimeoutError:
            pass


async def deadline(span):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        async with asyncio.timeout(span):
            await reader.read(1)
    except TimeoutError:
        writer.transport.abort()


async def main():
    for name, wait in (
        ("sleep", sleep),
        ("interval", interval),
        ("poll timeout", poll),
        ("condition wait", condition),
        ("read deadline", deadline),
    ):
        await wait(LONG / 50)  # so that nothing is done for the first time
        began = time.monotonic()
        await wait(LONG)
        print("lasted", time.monotonic() - began, name, flush=True)
    print("calendar", time.time(), flush=True)


asyncio.run(main())
