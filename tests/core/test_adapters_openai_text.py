"""The openai adapter's legacy completions: what is sent to which vendor, what comes back, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call, choices_asked, has_content
from providers.errors import MalformedReply, ServerFailed, StreamCut
from providers.kinds import KINDS
from providers.operations import speaks
from providers.wire import Target

ADAPTER = ADAPTERS["openai"]
LOGPROBS = {"tokens": [" a"], "token_logprobs": [-0.5], "top_logprobs": [{" a": -0.5}], "text_offset": [0]}


def target(kind: str = "openai-compatible") -> Target:
    return Target("vendor", kind, KINDS[kind].wire, "https://vendor.test/v1", "river", paths=KINDS[kind].paths)


def sent(kind: str, stream: bool = False, **body: Any) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    rendered = ADAPTER.render(Call("completions", body, stream), target(kind))
    assert isinstance(rendered.body, bytes)
    return rendered.path, json.loads(rendered.body), rendered.dropped


def choice(text: str, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish, **more}


def reply(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "cmpl-1", "object": "text_completion", "created": 5, "model": "m", "choices": [*choices], **more}


def read(*events: Any, expected: int = 1) -> list[dict[str, Any]]:
    parser = ADAPTER.open_stream("completions", target())
    parser.expected = expected
    raw = b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)
    return [chunk for byte in raw for chunk in parser.feed(bytes([byte]))] + parser.end()


def text_of(chunks: list[dict[str, Any]], index: int = 0) -> str:
    said = (c["delta"].get("content") for chunk in chunks for c in chunk["choices"] if c["index"] == index)
    return "".join(text or "" for text in said)


def test_a_server_gets_what_the_caller_wrote() -> None:
    body = {"prompt": [[1, 2]], "max_tokens": 5, "echo": True, "best_of": 3, "logprobs": 2, "guided_regex": "a+"}
    assert sent("vllm", **body) == ("/completions", {"model": "river", **body}, ())


def test_openai_keeps_max_tokens_and_is_asked_for_usage_in_streams() -> None:
    _, body, dropped = sent("openai", stream=True, prompt="a", max_tokens=5)
    options = {"include_usage": True, "include_obfuscation": False}
    assert body == {"model": "river", "prompt": "a", "max_tokens": 5, "stream": True, "stream_options": options}
    assert dropped == ()


def test_mistral_fills_in_the_middle_and_says_what_it_cannot_take() -> None:
    path, body, dropped = sent("mistral", prompt="def f(", suffix="return", seed=1, echo=True, n=1)
    assert path == "/fim/completions"
    assert body == {"model": "river", "prompt": "def f(", "suffix": "return", "random_seed": 1}
    assert dropped == ("echo",)


@pytest.mark.parametrize("kind", ["anthropic", "google", "cohere", "perplexity", "ai21", "xai"])
def test_vendors_without_completions_are_not_asked(kind: str) -> None:
    assert not speaks(target(kind), "completions")
    assert speaks(target(kind), "chat")


def test_a_whole_reply_becomes_messages_and_keeps_its_lists_of_logprobs() -> None:
    raw = reply(choice(" a", "length", logprobs=LOGPROBS, stop_reason=None), choice("b", "stop", 1), usage=None)
    body = ADAPTER.parse("completions", json.dumps(raw).encode(), target())
    assert [c["message"]["content"] for c in body["choices"]] == [" a", "b"]
    assert [c["finish_reason"] for c in body["choices"]] == ["length", "stop"]
    assert body["choices"][0]["logprobs"] == LOGPROBS
    assert body["choices"][0]["stop_reason"] is None


@pytest.mark.parametrize("raw", [{"choices": []}, {"choices": [{"text": 5}]}, {"choices": ["a"]}, {"choices": [{}]}])
def test_a_reply_that_is_none_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(MalformedReply):
        ADAPTER.parse("completions", json.dumps(raw).encode(), target())


def test_a_stream_of_several_choices_at_any_split() -> None:
    events = [
        reply(choice("On", index=1)),
        reply(choice("Tw", logprobs=LOGPROBS)),
        reply(choice("ce", index=1), usage=None),
        reply(choice("ice", "stop")),
        reply(choice("", "length", 1)),
        reply(usage={"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}),
        b"[DONE]",
    ]
    chunks = read(*events, expected=2)
    assert (text_of(chunks, 0), text_of(chunks, 1)) == ("Twice", "Once")
    finishes = {c["index"]: c["finish_reason"] for chunk in chunks for c in chunk["choices"] if c["finish_reason"]}
    assert finishes == {0: "stop", 1: "length"}
    assert [c["logprobs"] for chunk in chunks for c in chunk["choices"] if c.get("logprobs")] == [LOGPROBS]
    assert chunks[-1]["usage"]["total_tokens"] == 5


def test_an_empty_first_text_is_no_content_yet() -> None:
    chunks = read(reply(choice("")), reply(choice("a", "stop")))
    assert [has_content(chunk) for chunk in chunks] == [False, True, False]


def test_a_stream_without_a_finish_reason_was_cut() -> None:
    with pytest.raises(StreamCut):
        read(reply(choice("Once")))
    with pytest.raises(StreamCut):
        read(reply(choice("Once", "stop")), expected=2)
    with pytest.raises(ServerFailed):
        read(reply(choice("Once")), {"error": {"message": "overloaded", "code": 503}})


def test_a_server_that_knows_no_n_may_end_after_one_choice() -> None:
    assert text_of(read(reply(choice("Once", "stop")), b"[DONE]", expected=2)) == "Once"


def test_a_whole_reply_in_place_of_a_stream_is_read_as_one() -> None:
    parser = ADAPTER.open_stream("completions", target())
    assert parser.feed(json.dumps(reply(choice("Once", "stop"))).encode()) == []
    chunks = parser.end()
    assert text_of(chunks) == "Once"
    assert parser.done


@pytest.mark.parametrize(
    ("body", "choices"),
    [
        ({"prompt": "a"}, 1),
        ({"prompt": [1, 2, 3], "n": 2}, 2),
        ({"prompt": ["a", "b"], "n": 2}, 4),
        ({"prompt": [[1], [2], [3]]}, 3),
        ({"messages": [], "n": 3}, 3),
    ],
)
def test_a_stream_is_whole_when_each_prompt_has_its_choices(body: dict[str, Any], choices: int) -> None:
    assert choices_asked(Call("completions", body)) == choices
