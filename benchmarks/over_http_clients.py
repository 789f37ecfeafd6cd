"""Asks the same again and again as so many clients at once, for `over_http.py`; prints times by status."""

import asyncio
import json
import random
import sys
import time
from urllib.parse import urlsplit

PAUSE = 0.05  # seconds once refused, on average; clients that wait equally long come back all at once


async def client(url, request, stop, times):
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    while time.monotonic() < stop:
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        await reader.readexactly(length)
        status = int(head[9:12])
        times.setdefault(status, []).append(time.perf_counter() - start)
        if status == 429:
            await asyncio.sleep(2 * PAUSE * random.random())
    writer.close()


async def main(address, body, n, seconds):
    url, times = urlsplit(address), {}
    head = f"POST {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()
    stop = time.monotonic() + float(seconds)
    await asyncio.gather(*(client(url, request, stop, times) for _ in range(int(n))))
    print(json.dumps(times))


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(*sys.argv[1:]))
