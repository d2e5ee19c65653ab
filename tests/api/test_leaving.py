"""A caller who leaves cancels the upstream within a second, wherever the request stands; it is no one's error."""

from __future__ import annotations

import json
import socket

import pytest

from tests.running import RunningGateway
from tests.switchboard import Switchboard, delta, stream
from tests.upstream import Behaviour, head, raw, silent

pytestmark = pytest.mark.gateway

PLACES: dict[str, tuple[Behaviour, bool]] = {
    "before the headers, streaming": (silent(), True),
    "before the headers, whole": (silent(), False),
    "before the first content": (stream(delta("", role="assistant"), end="open"), True),
    "in the middle of a stream": (stream(delta("Hel", role="assistant"), end="open"), True),
    "in the middle of a whole answer": (raw(head(200, Content_Length="100"), b'{"id":', end="open"), False),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_upstream_is_cancelled(place: str, case: str, gateway: RunningGateway, switchboard: Switchboard) -> None:
    behaviour, streamed = PLACES[place]
    switchboard.plug(f"primary-{case}", behaviour)
    body = json.dumps({"model": case, "messages": [{"role": "user", "content": "Hi"}], "stream": streamed}).encode()
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
        caller.sendall(request)
        if place == "in the middle of a stream":
            caller.recv(1)
        else:
            while not switchboard.seen(f"primary-{case}"):
                pass
        assert not switchboard.left.is_set()
    assert switchboard.left.wait(1.0), "the upstream was not cancelled within a second"
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert row["outcome"] == "cancelled"
    assert switchboard.seen(f"fallback-{case}") == []
