"""Before the first content every fault goes on to the next candidate; after it the stream ends with an honest error."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.running import RunningGateway, wait_for
from tests.switchboard import DONE, Switchboard, completion, delta, event, reply, stream, whole_stream
from tests.upstream import Behaviour, chunk, flood, head, raw, silent

pytestmark = pytest.mark.gateway

HI: Any = [{"role": "user", "content": "Hi"}]
DEEP = json.dumps(completion("Hello")).encode()[:-1] + b', "extra": ' + b"[" * 900 + b"]" * 900 + b"}"

FAULTS: dict[str, Behaviour] = {
    "503 always": reply({"error": {"message": "down"}}, status=503),
    "429 without a header": reply({"error": {"message": "slow down"}}, status=429),
    "404": reply({"error": {"message": "no such model", "code": "model_not_found"}}, status=404),
    "413": reply({"error": {"message": "too large"}}, status=413),
    "reset before headers": raw(end="reset"),
    "closes before headers": raw(end="close"),
    "a web page": reply(b"<html>Bad gateway</html>", media="text/html"),
    "200 with an error body": reply({"error": {"message": "overloaded", "code": "server_error"}}),
    "not JSON": reply(b"{broken"),
    "a redirect": reply({}, status=302, Location="http://example.invalid/"),
    "gzip garbage": reply(b"\x1f\x8bgarbage", Content_Encoding="gzip"),
    "nested 900 levels deep": reply(DEEP),
    "half a body": raw(head(200, Content_Length="1000"), b'{"id":', end="close"),
}
STREAM_FAULTS: dict[str, Behaviour] = {
    "role, then the end": stream(delta("", role="assistant")),
    "only [DONE]": stream(DONE),
    "cut before content": stream(delta("", role="assistant"), end="reset"),
    "an error event first": stream(event({"error": {"message": "overloaded", "code": "server_error"}})),
    "a malformed first event": stream(b"data: {broken\n\n"),
    "nested 900 levels deep": stream(b"data: " + DEEP + b"\n\n"),
    "silence after the headers": stream(end="open"),
    "role, then silence": stream(delta("", role="assistant"), b": keep-alive\n\n", end="open"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_fault_before_the_answer_goes_unnoticed(
    fault: str, streamed: bool, case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", FAULTS[fault])
    switchboard.plug(f"fallback-{case}", whole_stream("Hel", "lo") if streamed else reply(completion("Hello")))
    status, told, body = gateway.post({"model": case, "messages": HI, "stream": streamed})
    assert status == 200, body
    assert told["x-gateway-endpoint"] == f"fallback-{case}"
    assert b"Hel" in body
    # A resting connection that ends before a byte of the reply may have been stale: that is not a try of its own.
    most = 3 if fault.endswith("before headers") else 2
    assert 1 <= len(switchboard.seen(f"primary-{case}")) <= most
    assert int(told["x-gateway-attempts"]) <= 3


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_a_stream_without_content_goes_unnoticed(
    fault: str, case: str, client: OpenAI, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", STREAM_FAULTS[fault])
    switchboard.plug(f"fallback-{case}", whole_stream("Hel", "lo"))
    chunks = list(client.chat.completions.create(model=case, messages=HI, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello"
    assert chunks[-1].choices[0].finish_reason == "stop"


CUTS: dict[str, Behaviour] = {
    "closes": stream(delta("Hel", role="assistant"), end="close"),
    "resets": stream(delta("Hel", role="assistant"), end="reset"),
    "ends without a finish reason": stream(delta("Hel", role="assistant")),
    "stalls": stream(delta("Hel", role="assistant"), end="open"),
    "sends garbage": stream(delta("Hel", role="assistant"), b"data: {broken\n\n", delta("lo"), DONE),
    "sends an error": stream(delta("Hel", role="assistant"), event({"error": {"message": "overloaded"}})),
}


@pytest.mark.parametrize("fault", CUTS)
def test_a_cut_after_content_ends_with_an_error_and_no_done(
    fault: str, case: str, gateway: RunningGateway, client: OpenAI, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", CUTS[fault])
    switchboard.plug(f"fallback-{case}", whole_stream("never"))
    read: list[str] = []
    answer = client.chat.completions.create(model=case, messages=HI, stream=True)
    with pytest.raises(openai.APIError):
        read.extend(chunk.choices[0].delta.content or "" for chunk in answer)
    assert "".join(read) == "Hel"
    assert switchboard.seen(f"fallback-{case}") == []
    _, _, body = gateway.post({"model": case, "messages": HI, "stream": True})
    assert b"[DONE]" not in body
    last = json.loads(body.decode().strip().rsplit("data: ", 1)[1])
    assert set(last["error"]) == {"message", "type", "param", "code"}
    rows = gateway.records(2, f"requested_model = '{case}'")
    assert all(row["outcome"] not in ("success", "cancelled") for row in rows)


def test_an_endpoint_whose_streams_are_always_cut_is_left_alone(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", CUTS["closes"])
    switchboard.plug(f"fallback-{case}", whole_stream("Hel", "lo"))
    for _ in range(12):
        _, told, _ = gateway.post({"model": case, "messages": HI, "stream": True})
    assert told["x-gateway-endpoint"] == f"fallback-{case}"
    assert len(switchboard.seen(f"primary-{case}")) <= 6


def test_a_stream_without_done_but_with_a_finish_reason_is_complete(
    case: str, client: OpenAI, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", stream(delta("Hello", role="assistant"), delta(finish="stop"), end="open"))
    chunks = list(client.chat.completions.create(model=case, messages=HI, stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_500_once_is_retried_on_the_same_endpoint(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", reply({"error": {"message": "oops"}}, status=500), reply(completion("Hello")))
    status, told, _ = gateway.post({"model": case, "messages": HI})
    assert (status, told["x-gateway-endpoint"], told["x-gateway-attempts"]) == (200, f"primary-{case}", "2")


def test_a_short_retry_after_is_waited_for(case: str, gateway: RunningGateway, switchboard: Switchboard) -> None:
    limited = reply({"error": {"message": "slow down"}}, status=429, Retry_After="1")
    switchboard.plug(f"primary-{case}", limited, reply(completion("Hello")))
    status, told, _ = gateway.post({"model": case, "messages": HI})
    assert (status, told["x-gateway-endpoint"]) == (200, f"primary-{case}")
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert row["duration_ms"] >= 950
    first, second = gateway.rows(f"SELECT * FROM metrics_attemptlog WHERE request = '{row['id']}' ORDER BY number")
    assert (first["outcome"], first["status"], second["outcome"]) == ("rate_limited", 429, "success")


def test_what_is_wrong_with_the_request_is_passed_on(case: str, client: OpenAI, switchboard: Switchboard) -> None:
    wrong = {
        "message": "temperature must be below 2",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": None,
    }
    switchboard.plug(f"primary-{case}", reply({"error": wrong}, status=400))
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=case, messages=HI, temperature=3)
    assert (caught.value.param, caught.value.type) == ("temperature", "invalid_request_error")
    assert "temperature must be below 2" in caught.value.message
    assert switchboard.seen(f"fallback-{case}") == []


def test_when_all_are_limited_the_answer_is_429_with_retry_after(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    for role in ("primary", "fallback"):
        switchboard.plug(f"{role}-{case}", reply({"error": {"message": "slow"}}, status=429, Retry_After="30"))
    for _ in range(2):
        status, told, body = gateway.post({"model": case, "messages": HI})
        assert status == 429
        assert json.loads(body)["error"]["message"] == "All configured services are rate limited"
        assert 1 <= int(told["retry-after"]) <= 30
    assert len(switchboard.seen(f"primary-{case}")) <= 2  # the second request may meet the other worker before its poll


def test_when_all_are_down_the_answer_is_503_with_the_attempts(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    for role in ("primary", "fallback"):
        switchboard.plug(f"{role}-{case}", reply({"error": {"message": "down"}}, status=503))
    status, told, body = gateway.post({"model": case, "messages": HI})
    error = json.loads(body)["error"]
    assert (status, error["message"]) == (503, "All configured services are unavailable")
    assert [attempt["endpoint"] for attempt in error["attempts"]] == [f"primary-{case}"] * 2 + [f"fallback-{case}"] * 2
    assert {attempt["status"] for attempt in error["attempts"]} == {503}
    assert told["x-should-retry"] == "false"
    assert switchboard.url.encode() not in body
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert (row["prompt_tokens"], row["cost"], row["usage_source"]) == (None, None, "none")
    mine = [line for line in gateway.log.splitlines() if told["x-request-id"] in line]
    (said,) = [line for line in mine if "All configured services are unavailable" in line]
    assert said.count(f"primary-{case} server_failed (") == said.count(f"fallback-{case} server_failed (") == 2
    assert switchboard.url not in said


def test_a_silent_endpoint_is_tried_once(case: str, gateway: RunningGateway, switchboard: Switchboard) -> None:
    switchboard.plug(f"primary-{case}", silent())
    switchboard.plug(f"fallback-{case}", whole_stream("Hello"))
    status, _, body = gateway.post({"model": case, "messages": HI, "stream": True})
    assert status == 200
    assert b"Hello" in body
    assert len(switchboard.seen(f"primary-{case}")) == 1


def test_a_flood_without_content_neither_stops_the_worker_nor_outlives_its_limit(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    start = head(200, media="text/event-stream", Transfer_Encoding="chunked")
    switchboard.plug(f"primary-{case}", flood(start, chunk(b": x\n\n" * 12_000), 100_000))
    switchboard.plug(f"fallback-{case}", whole_stream("Hello"))
    status, told, body = gateway.post({"model": case, "messages": HI, "stream": True})
    assert (status, told["x-gateway-endpoint"]) == (200, f"fallback-{case}")
    assert b"Hello" in body


def test_a_key_that_a_vendor_quotes_never_reaches_the_caller(gateway: RunningGateway, switchboard: Switchboard) -> None:
    quoted = {"message": "Key hunter2PLAINxyzzy99 is over quota", "type": "hunter2PLAINxyzzy99", "code": "odd"}
    switchboard.plug("keyed", stream(delta("Hel", role="assistant"), event({"error": quoted})))
    _, _, streamed = gateway.post({"model": "keyed/m-1", "messages": HI, "stream": True})
    switchboard.plug("keyed", reply({"error": quoted}, status=400))
    _, _, whole = gateway.post({"model": "keyed/m-1", "messages": HI})
    for body in (streamed, whole):
        assert b"over quota" in body
        assert b"hunter2" not in body


@pytest.mark.parametrize("room", [2000, 300, 200])
def test_a_key_that_is_cut_off_with_a_long_message_does_not_show_its_beginning(
    room: int, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    words = "no " * 700
    said = (words[: room - 14] + " hunter2PLAINxyzzy99").strip()
    error = {"message": said, "code": said}
    page = f"<html>{said}</html>".encode()
    for answer in (reply({"error": error}, status=400), reply(page, status=400, media="text/html")):
        switchboard.plug("keyed", answer)
        _, _, body = gateway.post({"model": "keyed/m-1", "messages": HI})
        assert b"no no no" in body
        assert b"hunter2" not in body


def test_a_log_line_cannot_be_forged(gateway: RunningGateway, switchboard: Switchboard) -> None:
    limited = reply({"error": {"message": "slow\nCRITICAL forged \x1b[31mline"}}, status=429, Retry_After="30")
    switchboard.plug("keyed", limited)
    gateway.post({"model": "keyed/m-1", "messages": HI})
    assert "\nCRITICAL forged" not in gateway.log
    assert "\x1b[31m" not in gateway.log


def test_names_that_callers_make_up_count_for_their_provider(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug("acme", FAULTS["404"])
    switchboard.plug(f"primary-{case}", FAULTS["404"])
    switchboard.plug(f"fallback-{case}", reply(completion("Hello")))
    for models in (["acme/made-up-1", case], [case, "acme/made-up-2"], ["acme/made-up-3"]):
        gateway.post({"model": models[0], "models": models, "messages": HI}, **{"x-request-id": f"made-up-{case}"})
        switchboard.plug(f"fallback-{case}", FAULTS["503 always"])
    rows = gateway.records(3, f"request_id = 'made-up-{case}'")
    assert [row["route"] for row in rows] == ["", case, ""]
    wait_for(lambda: gateway.rows("SELECT 1 FROM routing_endpointstats WHERE identity = 'acme/*'"), "it is counted")
    assert not gateway.rows("SELECT 1 FROM routing_endpointstats WHERE identity LIKE '%made-up%'")
