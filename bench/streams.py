"""Concurrent streams: an asyncio upstream that sends a chunk every 30 ms, and an asyncio caller that counts them.

Both are plain protocols on the last core, so that the gateway on core 0 is what is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.gateway import Gateway
from bench.nginx import LAST_CORE, pinned

INTERVAL = 0.03
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """Of the measured middle: chunks that reached callers, share of one core, resident memory, broken streams."""

    streams: int
    chunks_per_second: float
    cpu: float
    memory_mb: float
    incomplete: int


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    """One HTTP chunk that holds one event."""
    body = {
        "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1700000000, "model": "mock-stream",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return framed(b"data: " + json.dumps(body).encode() + b"\n\n")


def framed(data: bytes) -> bytes:
    """Chunked transfer coding."""
    return b"%x\r\n%s\r\n" % (len(data), data)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunks: int) -> None:
    """One upstream connection: a stream of ``chunks`` words for each request on it."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(HEAD + event({"role": "assistant", "content": ""}))
            word, start = event({"content": " word"}), time.monotonic()
            for number in range(chunks):
                await asyncio.sleep(max(0.0, start + number * INTERVAL - time.monotonic()))
                writer.write(word)
            writer.write(event({}, "stop") + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(port: int, chunks: int) -> None:
    """The upstream, until killed."""
    server = await asyncio.start_server(lambda r, w: answer(r, w, chunks), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


class Caller(asyncio.Protocol):
    """One streaming request; counts content events as they arrive."""

    counted = 0

    def __init__(self, request: bytes) -> None:
        self.over = asyncio.get_running_loop().create_future()
        self._request = request
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        Caller.counted += data.count(b'"content":" word"')
        self._tail = (self._tail + data)[-64:]
        if b"[DONE]" in self._tail and not self.over.done():
            self.over.set_result(True)
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(False)


async def call(gateway: Gateway, streams: int, seconds: int) -> StreamFigures:
    """Open ``streams`` at once; measure between the first and the last second."""
    body = json.dumps(
        {"model": "mock-stream", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    ).encode()
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    loop = asyncio.get_running_loop()
    opened = await asyncio.gather(
        *(loop.create_connection(lambda: Caller(request), "127.0.0.1", gateway.port) for _ in range(streams))
    )
    await asyncio.sleep(2)
    before, cpu, start = Caller.counted, gateway.cpu_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    counted, used, passed = Caller.counted - before, gateway.cpu_seconds() - cpu, time.monotonic() - start
    memory = gateway.memory_mb()
    complete = await asyncio.gather(*(protocol.over for _, protocol in opened))
    return StreamFigures(streams, counted / passed, used / passed, memory, complete.count(False))


def run_streams(gateway: Gateway, streams: int, seconds: int) -> StreamFigures:
    """Start the upstream in a process of its own and call it through the gateway."""
    chunks = round((seconds + 4) / INTERVAL)
    command = [*pinned(LAST_CORE), sys.executable, "-m", "bench.streams", str(gateway.stream_port), str(chunks)]
    upstream = subprocess.Popen(command)
    os.sched_setaffinity(0, {LAST_CORE})
    try:
        return asyncio.run(_when_up(gateway, streams, seconds))
    finally:
        upstream.kill()
        upstream.wait()


async def _when_up(gateway: Gateway, streams: int, seconds: int) -> StreamFigures:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.stream_port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return await call(gateway, streams, seconds)
    raise SystemExit("The streaming upstream did not start.")


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
