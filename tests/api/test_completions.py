"""Legacy completions from the official client to an upstream and back: whole, streamed, failing over, cut."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.running import RunningGateway
from tests.switchboard import DONE, Switchboard, event, reply, stream
from tests.upstream import Behaviour

pytestmark = pytest.mark.gateway

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def text(said: str, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"text": said, "index": index, "logprobs": None, "finish_reason": finish}
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": "m-1"}
    return {**head, "choices": [choice], **more}


def streamed(*words: str) -> Behaviour:
    parts = [event(text(word)) for word in words]
    usage = event({**text(""), "choices": [], "usage": USAGE})
    return stream(*parts, event(text("", "length")), usage, DONE)


@pytest.mark.parametrize("path", ["/v1/completions", "/completions"])
def test_both_paths_answer(path: str, case: str, gateway: RunningGateway, switchboard: Switchboard) -> None:
    switchboard.plug(f"primary-{case}", reply(text("upon", "stop")))
    assert gateway.post({"model": case, "prompt": "Once"}, path=path)[0] == 200


def test_a_whole_answer_and_its_record(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", reply(text(" upon", "stop", usage=USAGE)))
    answer = client.completions.create(model=case, prompt=[[1, 2], [3]], suffix="end", echo=False, logprobs=1)
    assert (answer.object, answer.choices[0].text, answer.choices[0].finish_reason) == (
        "text_completion",
        " upon",
        "stop",
    )
    (sent,) = switchboard.seen(f"primary-{case}")
    assert sent.target.endswith("/completions")
    assert sent.json == {"model": "m-1", "prompt": [[1, 2], [3]], "suffix": "end", "echo": False, "logprobs": 1}
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert (row["operation"], row["outcome"], row["prompt_tokens"], row["usage_source"]) == (
        "completions", "success", 3, "vendor",
    )  # fmt: skip


def test_a_stream_whose_first_endpoint_dies_before_content_comes_whole_from_the_second(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", stream(event(text("")), end="close"))
    switchboard.plug(f"fallback-{case}", streamed(" upon", " a time"))
    chunks = list(client.completions.create(model=case, prompt="Once", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == " upon a time"
    assert chunks[-1].choices[0].finish_reason == "length"
    assert all(chunk.usage is None for chunk in chunks)
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert (row["endpoint"], row["prompt_tokens"], row["finish_reason"]) == (f"fallback-{case}", 3, "length")


def test_usage_comes_to_who_asked(case: str, client: OpenAI, switchboard: Switchboard) -> None:
    switchboard.plug(f"primary-{case}", streamed("a"))
    options: Any = {"include_usage": True}
    *_, last = client.completions.create(model=case, prompt="Once", stream=True, stream_options=options)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == 5


def test_a_cut_after_content_is_an_error_and_not_done(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"primary-{case}", stream(event(text(" upon")), end="close"))
    status, headers, body = gateway.post({"model": case, "prompt": "Once", "stream": True}, path="/v1/completions")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    first, last = (json.loads(part.removeprefix("data: ")) for part in body.decode().strip().split("\n\n"))
    assert first["choices"][0]["text"] == " upon"
    assert last["error"]["code"] in ("stream_cut", "connection_broken")
    with pytest.raises(openai.APIError):
        list(client.completions.create(model=case, prompt="Once", stream=True))


def test_a_wrong_parameter_is_named(case: str, client: OpenAI) -> None:
    wrong: Any = {"prompt": "Once", "logprobs": True}
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model=case, **wrong)
    assert caught.value.param == "logprobs"


def test_a_vendor_that_has_no_completions_says_so(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="wordless/sonar", prompt="Once")
    assert caught.value.code == "unsupported_operation"
    assert "completions" in caught.value.message
