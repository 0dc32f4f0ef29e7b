"""Asks each API every 0.1 s until a SIGTERM, each time over a connection of its own. Usage: probe.py NAME=ADDRESS:PORT...

Prints `failed TIME NAME WHY` for each request that has no good answer, and at the end `asked NUMBER` and `done`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time

EVERY, CONNECT, ANSWER = 0.1, 3.0, 5.0  # seconds


async def ask(name: str, host: str, port: int) -> None:
    begun = time.time()
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT)
        writer.write(b"GET / HTTP/1.0\r\nHost: cloud\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(4000), ANSWER)
        writer.close()
        if b" 200 " not in answer.split(b"\r\n", 1)[0]:
            raise OSError(repr(answer[:60]))
    except (OSError, asyncio.TimeoutError) as error:
        print(f"failed {begun:.3f} {name} {type(error).__name__} {error}", flush=True)


async def main() -> None:
    asked = 0
    ends = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ends.set)
    targets = [(name, *where.split(":")) for name, _, where in (word.partition("=") for word in sys.argv[1:])]
    running: set[asyncio.Task[None]] = set()
    print("begun", flush=True)
    following = loop.time()
    while not ends.is_set():
        for name, host, port in targets:
            task = asyncio.create_task(ask(name, host, int(port)))
            running.add(task)
            task.add_done_callback(running.discard)
            asked += 1
        following = max(following + EVERY, loop.time())
        await asyncio.sleep(following - loop.time())
    await asyncio.gather(*running)
    print(f"asked {asked}\ndone", flush=True)


asyncio.run(main())
