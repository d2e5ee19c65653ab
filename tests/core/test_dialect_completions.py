"""The inbound legacy completions: every form of prompt passes, what is wrong is named, answers are text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_project.api.dialects import completions
from gateway_project.api.dialects.base import InvalidRequest

PROMPTS = ["Once", "", ["Once", "Twice"], [1, 2, 3], [[1, 2], [3]]]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_form_of_prompt_passes_with_parameters_we_know_nothing_of(prompt: Any) -> None:
    parsed = completions.parse_request(
        {"model": "m", "provider": "acme", "prompt": prompt, "suffix": None, "logprobs": 0, "guided_regex": "a+"}
    )
    assert (parsed.model, parsed.provider, parsed.call.operation) == ("m", "acme", "completions")
    assert parsed.call.body == {"prompt": prompt, "logprobs": 0, "guided_regex": "a+"}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": {}}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": [1.5]}, "prompt"),
        ({"prompt": [True]}, "prompt"),
        ({"prompt": [[1], []]}, "prompt"),
        ({"model": ""}, "model"),
        ({"logprobs": True}, "logprobs"),
        ({"best_of": "2"}, "best_of"),
        ({"echo": 1}, "echo"),
        ({"suffix": 1}, "suffix"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stream_options": {}}, "stream_options"),
        ({"provider": 7}, "provider"),
    ],
)
def test_a_wrong_request_names_the_parameter(more: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        completions.parse_request({"model": "m", "prompt": "Once", **more})
    assert caught.value.param == param
    assert param in caught.value.message


def test_a_whole_answer_is_a_text_completion() -> None:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": " upon"},
        "finish_reason": "stop",
        "stop_reason": 2,
    }
    inner = {
        "id": "c1",
        "object": "chat.completion",
        "created": 5,
        "model": "m",
        "choices": [choice],
        "usage": {"x": 1},
    }
    assert json.loads(completions.render_response(inner)) == {
        "id": "c1",
        "object": "text_completion",
        "created": 5,
        "model": "m",
        "choices": [{"index": 0, "text": " upon", "logprobs": None, "finish_reason": "stop", "stop_reason": 2}],
        "usage": {"x": 1},
    }


@pytest.mark.parametrize(("inner", "told"), [("tool_calls", "stop"), ("length", "length"), (None, None)])
def test_a_chunk_is_text_with_a_finish_reason_of_completions(inner: str | None, told: str | None) -> None:
    choice = {"index": 1, "delta": {"role": "assistant", "content": "a"}, "finish_reason": inner}
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [choice]}
    told_chunk = json.loads(completions.render_chunk(chunk, False).removeprefix(b"data: "))
    assert told_chunk["object"] == "text_completion"
    assert told_chunk["choices"] == [{"index": 1, "text": "a", "logprobs": None, "finish_reason": told}]
    assert "usage" not in told_chunk


def test_usage_reaches_only_a_stream_that_asked() -> None:
    chunk: dict[str, Any] = {"id": "c1", "created": 5, "model": "m", "choices": [], "usage": {"total_tokens": 3}}
    assert completions.render_chunk(chunk, False) == b""
    assert json.loads(completions.render_chunk(chunk, True).removeprefix(b"data: "))["usage"] == {"total_tokens": 3}
