"""The gemini adapter: what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.errors import RequestRejected, Unsupported
from providers.kinds import KINDS
from tests.core.gemini import HELLO, PNG, SAID, TOOL, called, rendered, sent


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gemini-x", "/models/gemini-x"),
        ("models/gemini-x", "/models/gemini-x"),
        ("tunedModels/a b", "/tunedModels/a%20b"),
        ("a?b:c", "/models/a%3Fb%3Ac"),
    ],
)
def test_the_path_names_the_model_and_says_whether_to_stream(model: str, name: str) -> None:
    assert rendered(model).path == f"{name}:generateContent"
    assert rendered(model, stream=True).path == f"{name}:streamGenerateContent?alt=sse"


def test_the_kind_leaves_the_path_to_the_adapter_and_signs_in_googles_way() -> None:
    kind = KINDS["google"]
    assert (kind.wire, kind.auth_header, kind.auth_scheme) == ("gemini", "x-goog-api-key", "")
    assert "chat" not in kind.paths


def test_leading_system_messages_are_instructions_and_later_ones_the_users() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "In French."}]},
        *HELLO,
        {"role": "system", "content": "Now in German."},
        {"role": "assistant", "content": "Hallo"},
        {"role": "user", "content": ""},
    ]
    got = sent(messages=messages)
    assert got["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "In French."}]}
    assert [content["role"] for content in got["contents"]] == ["user", "model", "user"]
    assert got["contents"][0]["parts"] == [{"text": "Hello"}, {"text": "Now in German."}]
    assert got["contents"][2]["parts"] == [{"text": " "}]


def test_a_request_of_instructions_alone_still_has_a_turn() -> None:
    assert sent(messages=[{"role": "system", "content": "Be brief."}])["contents"][0]["parts"] == [{"text": " "}]


def test_parameters_go_under_googles_names() -> None:
    got = rendered(
        temperature=0.5, top_p=0.9, top_k=3, max_completion_tokens=9, stop=".", n=2, seed=7, presence_penalty=0.5,
        frequency_penalty=0.25, logprobs=True, top_logprobs=4, modalities=["text", "image"], service_tier="default",
        safety_settings=[], user=None, parallel_tool_calls=True,
    )  # fmt: skip
    body = json.loads(got.body)
    assert body.pop("generationConfig") == {
        "temperature": 0.5, "topP": 0.9, "topK": 3, "maxOutputTokens": 9, "stopSequences": ["."], "candidateCount": 2,
        "seed": 7, "presencePenalty": 0.5, "frequencyPenalty": 0.25, "responseLogprobs": True, "logprobs": 4,
        "responseModalities": ["TEXT", "IMAGE"],
    }  # fmt: skip
    assert body == {"contents": SAID, "serviceTier": "standard", "safetySettings": []}
    assert got.dropped == ()


@pytest.mark.parametrize(
    ("name", "value", "model"),
    [
        ("user", "u", "gemini-2.5-pro"),
        ("logit_bias", {"1": 2}, "gemini-2.5-pro"),
        ("parallel_tool_calls", False, "gemini-2.5-pro"),
        ("presence_penalty", 0.5, "gemini-3-pro-preview"),
        ("seed", 2**40, "gemini-2.5-pro"),
        ("service_tier", "scale", "gemini-2.5-pro"),
        ("reasoning_effort", "low", "gemini-2.0-flash"),
        ("reasoning_effort", "none", "gemini-2.5-pro"),
        ("response_format", {"type": "grammar"}, "gemini-2.5-pro"),
        ("tool_choice", "required", "gemini-2.5-pro"),
        ("never_heard_of", 1, "gemini-2.5-pro"),
    ],
)
def test_what_cannot_be_said_is_named_or_refused(name: str, value: Any, model: str) -> None:
    assert rendered(model, **{name: value}).dropped == (name,)
    with pytest.raises(Unsupported) as caught:
        rendered(model, strict=True, **{name: value})
    assert (caught.value.status, caught.value.param) == (400, name)


@pytest.mark.parametrize(
    ("model", "given", "thinking"),
    [
        ("gemini-2.5-flash", {"reasoning_effort": "medium"}, {"thinkingBudget": 8192, "includeThoughts": True}),
        ("gemini-2.5-flash", {"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        ("gemini-2.5-pro", {"reasoning_effort": "none"}, {"thinkingBudget": 128}),
        ("gemini-2.5-pro", {"reasoning": {"max_tokens": 77}}, {"thinkingBudget": 77, "includeThoughts": True}),
        ("gemini-2.5-pro", {"reasoning": {"effort": "low"}}, {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-flash", {"thinking": {"type": "disabled"}}, {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", {"reasoning_effort": "medium"}, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3.1-pro", {"reasoning_effort": "medium"}, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("gemini-3.1-pro", {"reasoning_effort": "minimal"}, {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3.5-flash", {"reasoning_effort": "none"}, {"thinkingLevel": "MINIMAL"}),
        ("gemini-flash-latest", {"reasoning_effort": "xhigh"}, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        ("gemini-3.5-flash", {"reasoning_effort": "auto"}, None),
        ("gemini-3.5-flash", {}, None),
    ],
)
def test_effort_becomes_budgets_or_levels_by_generation(model: str, given: Any, thinking: Any) -> None:
    assert sent(model, **given).get("generationConfig", {}).get("thinkingConfig") == thinking


def test_a_schema_is_passed_as_json_schema() -> None:
    schema = {"type": "object", "$defs": {"a": {"type": "string"}}, "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"$schema": "s", **schema}}}
    assert sent(response_format=form)["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }
    assert sent(response_format={"type": "json_object"})["generationConfig"] == {"responseMimeType": "application/json"}
    assert "generationConfig" not in sent(response_format={"type": "text"})


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "tide"}}, {"mode": "ANY", "allowedFunctionNames": ["tide"]}),
        ({"type": "tool", "name": "tide"}, {"mode": "ANY", "allowedFunctionNames": ["tide"]}),
        ("tide", {"mode": "ANY", "allowedFunctionNames": ["tide"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["tide"]},
        ),
    ],
)
def test_tools_are_declared_and_chosen(choice: Any, config: Any) -> None:
    got = sent(tools=[TOOL, {"googleSearch": {}}], tool_choice=choice)
    declared = {"name": "tide", "parametersJsonSchema": TOOL["function"]["parameters"]}  # type: ignore[index]
    assert got["tools"] == [{"functionDeclarations": [declared]}, {"googleSearch": {}}]
    assert got["toolConfig"] == {"functionCallingConfig": config}


def test_media_goes_inline_and_foreign_urls_are_named() -> None:
    def image(url: str) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": url}}

    content = [
        image(PNG),
        image("https://example.org/a.png"),
        image("gs://bucket/a.png"),
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"}},
        image("data:text/plain,a%20b"),
    ]
    got = rendered(messages=[{"role": "user", "content": content}])
    assert json.loads(got.body)["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"fileData": {"fileUri": "gs://bucket/a.png", "mimeType": "image/png"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "QUJD"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERg=="}},
        {"inlineData": {"mimeType": "text/plain", "data": "YSBi"}},
    ]
    assert got.dropped == ("messages[0].content[1]",)


def test_results_follow_the_calls_in_one_turn_in_the_order_of_the_calls() -> None:
    picture = [{"type": "text", "text": "two"}, {"type": "image_url", "image_url": {"url": PNG}}]
    messages = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [called("a"), called("b")]},
        {"role": "tool", "tool_call_id": "b", "content": picture},
        {"role": "tool", "tool_call_id": "a", "content": '{"high": 1}'},
        {"role": "user", "content": "And?"},
    ]
    contents = sent(messages=messages)["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "user"]
    assert contents[2]["parts"] == [
        {"functionResponse": {"id": "a", "name": "tide", "response": {"high": 1}}},
        {"functionResponse": {"id": "b", "name": "tide", "response": {"output": "two"}}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
    ]


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ("Hello", "messages"),
        ([3], "messages"),
        ([{"role": "king", "content": "x"}], "messages[0].role"),
        ([{"role": "tool", "tool_call_id": "a", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "assistant", "tool_calls": [3]}], "messages[0].tool_calls[0]"),
        (
            [{"role": "assistant", "tool_calls": [called("a", arguments="[")]}],
            "messages[0].tool_calls[0].function.arguments",
        ),
    ],
)
def test_a_conversation_that_makes_no_sense_is_refused(messages: Any, param: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        rendered(messages=messages)
    assert caught.value.param == param


def test_the_operators_additions_do_not_override_the_caller() -> None:
    extra = {"generationConfig": {"topK": 1, "temperature": 0}, "safetySettings": [1]}
    got = sent(temperature=1, extra=extra)
    assert got["generationConfig"] == {"topK": 1, "temperature": 1}
    assert got["safetySettings"] == [1]


def test_tools_and_json_output_exclude_each_other_before_the_third_generation() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    both = {"tools": [{"type": "function", "function": {"name": "tide"}}], "response_format": form}
    assert "responseMimeType" in sent("gemini-3-pro-preview", **both)["generationConfig"]
    older = rendered("gemini-2.5-flash", **both)
    assert older.dropped == ("response_format",)
    assert "generationConfig" not in json.loads(older.body)
    unused = rendered("gemini-2.5-flash", **both, tool_choice="none")
    assert unused.dropped == ()
    assert "tools" not in json.loads(unused.body)
