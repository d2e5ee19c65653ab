"""One try at an upstream through the OpenAI adapter: what is sent, what comes back, how a stream begins and ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from providers.chat import Call
from providers.errors import (
    CallerLeft,
    ConnectionBroken,
    CredentialRejected,
    MalformedReply,
    RateLimited,
    ServerFailed,
    StreamCut,
    UpstreamError,
    UpstreamTimeout,
)
from providers.transport import lanes
from providers.upstream import ChunkStream, Completion, send
from providers.wire import Credential, Limits, Target, Trace
from tests.upstream import DONE, PATIENCE, Upstream, event, head, raw, reply, silent, stream

SOON = Limits(connect=5, headers=5, idle=5, total=5)
MESSAGES = [{"role": "user", "content": "Hi"}]
COMPLETION = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@pytest.fixture(autouse=True)
def _no_lanes_left() -> Iterator[None]:
    yield
    lanes.lane.cache_clear()


def delta(finish: str | None = None, **said: Any) -> bytes:
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


ROLE, HEL, LO, STOP = delta(role="assistant"), delta(content="Hel"), delta(content="lo"), delta("stop")
USAGE = event({"id": "c1", "model": "m", "choices": [], "usage": COMPLETION["usage"]})


def call(server: Upstream, limits: Limits = SOON, *, streamed: bool = False, **more: Any) -> Any:
    credential = more.pop("credential", Credential("p/main", "token-abc"))
    gone, trace = more.pop("gone", lambda: False), more.pop("trace", Trace())
    settings = {"provider": "p", "kind": "openai", "wire": "openai", "upstream_model": "m", "proxy": "none"}
    target = Target(base_url=f"{server.url}/v1", **{**settings, **more})
    return send(target, credential, Call("chat", {"messages": MESSAGES}, streamed), limits, gone, trace)


def text(chunks: Any) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def finishes(chunks: list[dict[str, Any]]) -> list[str]:
    return [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice.get("finish_reason")]


# --- what is sent


def test_a_call_goes_out_with_its_key_and_comes_back_whole() -> None:
    with Upstream(reply(COMPLETION)) as server:
        trace = Trace()
        answer = call(server, trace=trace)
        assert isinstance(answer, Completion)
        assert answer.body["choices"][0]["message"]["content"] == "Hello"
        assert answer.trace is trace
        assert (trace.status, trace.headers_at is not None, trace.first_at) == (200, True, None)
        sent = server.requests[0]
        assert (sent.method, sent.target) == ("POST", "/v1/chat/completions")
        assert sent.headers["authorization"] == "Bearer token-abc"
        assert sent.headers["content-type"] == "application/json"
        assert sent.headers["user-agent"] == "switchyard"
        assert sent.headers["accept"] == "application/json"
        assert sent.json["model"] == "m"
        assert sent.json["messages"] == MESSAGES


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"auth_scheme": "none", "auth_header": "X-Api-Key"}, {"x-api-key": "token-abc"}),
        ({"auth_scheme": ""}, {"authorization": "token-abc"}),
        ({"auth_scheme": "Token"}, {"authorization": "Token token-abc"}),
        ({"credential": None}, {"authorization": None}),
        ({"credential": Credential("p/none", "")}, {"authorization": None}),
        ({"headers": {"User-Agent": "mine", "X-Extra": "1"}}, {"user-agent": "mine", "x-extra": "1"}),
    ],
)
def test_the_provider_says_how_requests_are_signed(settings: dict[str, Any], expected: dict[str, str | None]) -> None:
    with Upstream(reply(COMPLETION)) as server:
        call(server, **settings)
        assert {name: server.requests[0].headers.get(name) for name in expected} == expected


def test_the_provider_may_override_the_path() -> None:
    with Upstream(reply(COMPLETION)) as server:
        call(server, paths={"chat": "other/chat"})
        assert server.requests[0].target == "/v1/other/chat"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": {"message": "bad key"}}, CredentialRejected),
        (429, {"error": {"message": "slow down"}}, RateLimited),
        (500, b"<html>oops</html>", ServerFailed),
        (200, b"<html>welcome</html>", MalformedReply),
        (200, b"", (MalformedReply, StreamCut)),
        (400, {"error": {"message": "you sent token-abc"}}, UpstreamError),
        (200, {"error": {"message": "you sent token-abc"}}, UpstreamError),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_failure_is_raised_as_what_it_means_without_the_key(
    status: int, body: Any, error: Any, streamed: bool
) -> None:
    with Upstream(reply(body, status)) as server, pytest.raises(error) as caught:
        call(server, streamed=streamed)
    assert "token-abc" not in f"{caught.value!r}{caught.value}{caught.value.message}"


# --- how a stream begins


def test_a_stream_is_held_until_its_first_content() -> None:
    gate = threading.Event()
    with Upstream(stream(b": hello\n\n", ROLE, HEL, gate, LO, STOP, USAGE, DONE)) as server:
        trace = Trace()
        answer = call(server, streamed=True, trace=trace)
        assert isinstance(answer, ChunkStream)
        assert text(answer.held) == "Hel"
        assert trace.first_at is not None
        assert server.requests[0].headers["accept"] == "text/event-stream"
        gate.set()
        rest = list(answer)
        assert text(rest) == "lo"
        assert finishes(rest) == ["stop"]
        assert rest[-1]["usage"]["total_tokens"] == 2
        answer.close()


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (stream(ROLE), StreamCut),
        (stream(ROLE, end="reset"), ConnectionBroken),
        (stream(ROLE, event({"error": {"message": "overloaded", "code": 500}})), UpstreamError),
        (stream(ROLE, event(b"{not json")), MalformedReply),
        (stream(b"<html>", media="text/html"), MalformedReply),
        (reply({"error": {"message": "no"}}), UpstreamError),
    ],
    ids=["cut", "reset", "an error event", "a broken event", "a web page", "an error in a success"],
)
def test_what_goes_wrong_before_the_first_content_is_raised_at_once(behaviour: Any, error: type[Exception]) -> None:
    with Upstream(behaviour) as server, pytest.raises(error):
        call(server, streamed=True)


def test_without_content_in_time_the_try_ends() -> None:
    with Upstream(stream(ROLE, end="open")) as server:
        with pytest.raises(UpstreamTimeout) as caught:
            call(server, Limits(first_content=0.3, idle=0.1), streamed=True)
        assert caught.value.phase == "first_content"
        assert server.left.wait(PATIENCE)


def test_once_content_was_seen_its_own_limit_no_longer_rules() -> None:
    gate = threading.Event()
    with Upstream(stream(HEL, gate, LO, STOP, DONE)) as server:
        answer = call(server, Limits(first_content=0.2, idle=PATIENCE), streamed=True)
        threading.Timer(0.4, gate.set).start()
        assert text(answer) == "lo"


def test_a_whole_completion_instead_of_a_stream_is_given_out_as_one() -> None:
    with Upstream(reply(COMPLETION)) as server:
        answer = call(server, streamed=True)
        chunks = [*answer.held, *answer]
        assert text(chunks) == "Hello"
        assert finishes(chunks) == ["stop"]


def test_an_answer_without_content_is_complete_all_the_same() -> None:
    with Upstream(stream(ROLE, STOP, DONE)) as server:
        answer = call(server, streamed=True)
        assert finishes([*answer.held, *answer]) == ["stop"]


# --- how a stream ends


def test_after_the_terminal_event_nobody_waits_for_the_upstream_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.upstream.USAGE_GRACE", 600)
    with Upstream(stream(HEL, STOP, DONE, end="open")) as server:
        answer = call(server, Limits(idle=600), streamed=True)
        assert finishes(list(answer)) == ["stop"]
        assert server.left.wait(PATIENCE)


def test_a_finished_stream_without_a_terminal_event_ends_after_a_short_grace() -> None:
    with Upstream(stream(HEL, STOP, USAGE, end="open")) as server:
        answer = call(server, Limits(idle=600), streamed=True)
        chunks = list(answer)
        assert finishes(chunks) == ["stop"]
        assert chunks[-1]["usage"]["total_tokens"] == 2
        assert server.left.wait(PATIENCE)


@pytest.mark.parametrize("end", ["finish", "close", "reset"])
def test_a_finished_stream_may_end_as_it_likes(end: str) -> None:
    with Upstream(stream(HEL, STOP, end=end)) as server:
        answer = call(server, streamed=True)
        assert finishes(list(answer)) == ["stop"]


def test_a_stream_read_to_its_end_leaves_the_connection_to_the_next() -> None:
    whole = raw(
        head(200, "text/event-stream", Content_Length=str(len(HEL + STOP + DONE))), HEL, STOP + DONE, end="keep"
    )
    with Upstream(whole) as server:
        for _ in range(3):
            assert finishes(list(call(server, streamed=True))) == ["stop"]
        assert server.connections == 1


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (stream(HEL, LO), StreamCut),
        (stream(HEL, LO, end="close"), (ConnectionBroken, StreamCut)),
        (stream(HEL, LO, event({"error": {"message": "overloaded"}})), UpstreamError),
        (stream(HEL, LO, event(b"{not json")), MalformedReply),
        (stream(HEL, LO, end="open"), UpstreamTimeout),
    ],
    ids=["cut", "closed", "an error event", "a broken event", "a stall"],
)
def test_what_goes_wrong_after_content_was_seen_is_raised_where_it_happens(behaviour: Any, error: Any) -> None:
    with Upstream(behaviour) as server:
        answer = call(server, Limits(idle=0.3), streamed=True)
        seen = [*answer.held]
        with pytest.raises(error):
            seen.extend(answer)
        assert text(seen) in ("Hel", "Hello")
        assert finishes(seen) == []
        answer.close()


def test_a_caller_who_leaves_in_the_middle_cancels_the_upstream() -> None:
    left = threading.Event()
    with Upstream(stream(HEL, end="open")) as server:
        answer = call(server, Limits(), streamed=True, gone=left.is_set)
        left.set()
        with pytest.raises(CallerLeft):
            next(answer)
        assert server.left.wait(PATIENCE)


def test_a_closed_stream_cancels_the_upstream_and_gives_nothing_more() -> None:
    with Upstream(stream(HEL + LO, end="open")) as server:
        answer = call(server, Limits(), streamed=True)
        answer.close()
        answer.close()
        assert list(answer) == []
        assert server.left.wait(PATIENCE)


def test_a_caller_who_leaves_a_silent_upstream_is_no_ones_error() -> None:
    with Upstream(silent()) as server:
        with pytest.raises(CallerLeft):
            call(server, Limits(), gone=lambda: bool(server.requests))
        assert server.left.wait(PATIENCE)
