"""Callers of streams that measure the gaps between chunks: a process of its own, so that no load slows its clock.

python -m tests.api.gaps PORT KEY MODEL STREAMS SECONDS  →  {"p50": …, "p99": …, "worst": …, "complete": …} in ms
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time

WORD = b'"content":" word"'


async def follow(port: int, request: bytes, gaps: list[float]) -> bool:
    """Read one stream to its end; whether it was complete."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    last, tail = 0.0, b""
    while data := await reader.read(65536):
        if WORD in data:
            now = time.monotonic()
            if last:
                gaps.append((now - last) * 1000)
            last = now
        tail = (tail + data)[-64:]
        if b"[DONE]" in tail:
            break
    writer.close()
    return b"[DONE]" in tail


async def measure(port: int, key: str, model: str, streams: int) -> dict[str, float]:
    """All streams at once."""
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    gaps: list[float] = []
    complete = await asyncio.gather(*(follow(port, request, gaps) for _ in range(streams)))
    cuts = statistics.quantiles(gaps, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "worst": max(gaps), "complete": sum(complete), "gaps": len(gaps)}


if __name__ == "__main__":
    port, key, model, streams = sys.argv[1:5]
    print(json.dumps(asyncio.run(measure(int(port), key, model, int(streams)))))
