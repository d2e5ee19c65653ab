"""The ollama adapter: what is sent, and what is left out by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import RequestRejected, Unsupported
from providers.kinds import KINDS
from providers.wire import Rendered, Target

ADAPTER = ADAPTERS["ollama"]
HELLO = [{"role": "user", "content": "Hello"}]
PIXEL = "iVBORw0KGgo="


def target(model: str = "qwen3:8b", base_url: str = "http://gpu.test:11434", **more: Any) -> Target:
    return Target("home", "ollama", "ollama", base_url, model, **more)


def rendered(operation: str = "chat", strict: bool = False, model: str = "qwen3:8b", **body: Any) -> Rendered:
    given = body if operation == "embeddings" else {"messages": HELLO, **body}
    before = json.dumps(given)
    try:
        return ADAPTER.say(Call(operation, given, strict=strict), target(model))
    finally:
        assert json.dumps(given) == before, "nothing of the caller's is changed in place"


def sent(**body: Any) -> dict[str, Any]:
    got: dict[str, Any] = json.loads(rendered(**body).body)
    return got


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}, **more}}


def call(identifier: str, name: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("base_url", "wire", "url"),
    [
        ("http://gpu.test:11434", "ollama", "http://gpu.test:11434/api/chat"),
        ("http://gpu.test:11434/", "ollama", "http://gpu.test:11434/api/chat"),
        ("http://gpu.test:11434/api", "ollama", "http://gpu.test:11434/api/chat"),
        ("https://gpu.test/ollama", "ollama", "https://gpu.test/ollama/api/chat"),
        ("http://gpu.test:11434/v1", "openai", "http://gpu.test:11434/v1/chat/completions"),
        ("https://gpu.test/ollama/v1/", "openai", "https://gpu.test/ollama/v1/chat/completions"),
    ],
)
def test_the_base_url_says_which_of_the_two_formats_is_spoken(base_url: str, wire: str, url: str) -> None:
    assert KINDS["ollama"].wire_at(base_url) == wire
    adapter, there = ADAPTERS[wire], Target("home", "ollama", wire, base_url, "m")
    assert adapter.url(there, "chat", adapter.render(Call("chat", {"messages": HELLO}), there).path) == url


def test_a_path_of_the_operators_own_stands_behind_the_base_url_as_it_is() -> None:
    there = target(base_url="http://gpu.test/api", paths={"chat": "/talk"})
    assert ADAPTER.url(there, "chat", ADAPTER.render(Call("chat", {"messages": HELLO}), there).path) == (
        "http://gpu.test/api/talk"
    )


def test_whole_answers_are_asked_for_in_so_many_words_because_streams_are_the_default() -> None:
    assert sent() == {"model": "qwen3:8b", "messages": HELLO, "stream": False}
    streamed = ADAPTER.render(
        Call("chat", {"messages": HELLO, "stream_options": {"include_usage": True}}, True), target()
    )
    assert json.loads(streamed.body)["stream"] is True
    assert streamed.dropped == ()


def test_sampling_and_limits_go_into_options() -> None:
    got = rendered(
        temperature=0.2, top_p=0.9, top_k=40, seed=7, stop="END", max_tokens=50, presence_penalty=0.1,
        frequency_penalty=0.2, repetition_penalty=1.1, min_p=0.05,
    )  # fmt: skip
    assert json.loads(got.body)["options"] == {
        "temperature": 0.2, "top_p": 0.9, "top_k": 40, "seed": 7, "stop": ["END"], "num_predict": 50,
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "repeat_penalty": 1.1, "min_p": 0.05,
    }  # fmt: skip
    assert got.dropped == ()
    assert sent(max_completion_tokens=9, max_tokens=5)["options"] == {"num_predict": 9}
    assert rendered(max_completion_tokens=9, max_tokens=5).dropped == ("max_tokens",)


def test_ollamas_own_parameters_pass_and_win() -> None:
    got = sent(
        options={"num_ctx": 8192, "temperature": 0}, temperature=1.5, num_gpu=1, keep_alive="10m", think="high",
        reasoning_effort="none", format={"type": "object"}, response_format={"type": "json_object"}, truncate=True,
    )  # fmt: skip
    assert got["options"] == {"num_ctx": 8192, "temperature": 0, "num_gpu": 1}
    assert (got["keep_alive"], got["think"], got["format"], got["truncate"]) == (
        "10m",
        "high",
        {"type": "object"},
        True,
    )


def test_what_the_operator_adds_to_every_request_stands_behind_what_the_caller_says() -> None:
    there = target(extra_body={"keep_alive": "1h", "options": {"num_ctx": 16384, "temperature": 0.1}})
    body = json.loads(ADAPTER.render(Call("chat", {"messages": HELLO, "temperature": 0.7}), there).body)
    assert body["keep_alive"] == "1h"
    assert body["options"] == {"num_ctx": 16384, "temperature": 0.7}


@pytest.mark.parametrize(
    ("model", "effort", "think"),
    [
        ("qwen3:8b", "none", False),
        ("qwen3:8b", "low", True),
        ("qwen3:8b", "high", True),
        ("gpt-oss:20b", "minimal", "low"),
        ("gpt-oss:20b", "medium", "medium"),
        ("gpt-oss:20b", "max", "high"),
        ("gpt-oss:20b", "none", False),
    ],
)
def test_reasoning_effort_becomes_a_level_where_the_model_has_levels(model: str, effort: str, think: Any) -> None:
    assert sent(model=model, reasoning_effort=effort)["think"] == think


def test_without_an_effort_the_model_decides() -> None:
    assert "think" not in sent()
    assert "think" not in sent(reasoning_effort="auto")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}, {"type": "object"}),
        ({"type": "text"}, None),
    ],
)
def test_structured_output_becomes_a_format(form: Any, expected: Any) -> None:
    got = rendered(response_format=form)
    assert json.loads(got.body).get("format") == expected
    assert got.dropped == ()


def test_chances_of_tokens_are_asked_for() -> None:
    got = sent(logprobs=True, top_logprobs=3)
    assert (got["logprobs"], got["top_logprobs"]) == (True, 3)
    assert "logprobs" not in sent(logprobs=False, top_logprobs=0)


def test_a_conversation_with_tools() -> None:
    asked = call("c1", "weather", '{"city": "Étel"}')
    called = {"name": "weather", "arguments": {"city": "Étel"}}
    got = sent(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [asked]},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "rain"}]},
        ],
        tools=[tool("weather", description="Weather of a city")],
    )  # fmt: skip
    assert got["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [{"id": "c1", "function": called}]},
        {"role": "tool", "content": "rain", "tool_name": "weather", "tool_call_id": "c1"},
    ]  # fmt: skip
    assert got["tools"] == [tool("weather", description="Weather of a city")]


def test_arguments_that_are_no_object_are_refused_by_name() -> None:
    said = {"role": "assistant", "content": "", "tool_calls": [call("c", "f", "[1]")]}
    with pytest.raises(RequestRejected) as caught:
        rendered(messages=[said])
    assert caught.value.param == "messages[0].tool_calls[0].function.arguments"


def test_pictures_in_the_alphabet_of_addresses_become_base64_as_ollama_reads_it() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0-_g"}}
    got = rendered(messages=[{"role": "user", "content": [part]}])
    assert json.loads(got.body)["messages"][0]["images"] == ["iVBORw0+/g=="]


def test_pictures_become_bare_base64_and_what_cannot_be_said_is_named() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": "data:,A%20B"},
        {"type": "image_url", "image_url": {"url": "https://pictures.test/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
        {"type": "text", "text": "Answer."},
    ]
    got = rendered(messages=[{"role": "user", "content": parts, "name": "ann"}])
    (message,) = json.loads(got.body)["messages"]
    assert message == {"role": "user", "content": "What is this?\nAnswer.", "images": [PIXEL, "QSBC"]}
    assert got.dropped == ("messages[0].content[3]", "messages[0].content[4]", "messages[0].name")


@pytest.mark.parametrize(
    ("choice", "names", "dropped"),
    [
        ("auto", ["a", "b"], ()),
        ("none", [], ()),
        ("required", ["a", "b"], ("tool_choice",)),
        ({"type": "function", "function": {"name": "b"}}, ["b"], ("tool_choice",)),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"function": {"name": "a"}}]}},
            ["a"],
            (),
        ),
    ],
)
def test_a_choice_of_tools_shortens_their_list(choice: Any, names: list[str], dropped: tuple[str, ...]) -> None:
    got = rendered(tools=[tool("a"), tool("b")], tool_choice=choice)
    assert [each["function"]["name"] for each in json.loads(got.body).get("tools", [])] == names
    assert got.dropped == dropped


def test_what_has_no_word_is_dropped_and_named_or_refused_where_the_caller_is_strict() -> None:
    extras = {
        "n": 2,
        "logit_bias": {"1": 2},
        "user": "u",
        "tools": [tool("a", strict=True)],
        "parallel_tool_calls": False,
    }
    got = rendered(**extras)
    assert set(got.dropped) == {"n", "logit_bias", "user", "tools[0].function.strict", "parallel_tool_calls"}
    assert set(json.loads(got.body)) == {"model", "messages", "stream", "tools"}
    assert rendered(n=1, logit_bias={}, store=False, tool_choice="auto").dropped == ()
    with pytest.raises(Unsupported) as caught:
        rendered(strict=True, n=2)
    assert (caught.value.param, caught.value.status) == ("n", 400)


def test_texts_to_be_embedded() -> None:
    got = rendered("embeddings", input=["a", "b"], dimensions=64, encoding_format="base64", truncate=False, user="u")
    assert got.path == "/api/embed"
    assert json.loads(got.body) == {"model": "qwen3:8b", "input": ["a", "b"], "dimensions": 64, "truncate": False}
    assert got.dropped == ("user",)
    with pytest.raises(Unsupported) as caught:
        rendered("embeddings", input=[[1, 2]])
    assert caught.value.param == "input"
