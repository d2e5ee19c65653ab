"""The gemini adapter: what is sent, how replies and streams come back, and how they end or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.adapters import ADAPTERS
from providers.adapters import gemini_signatures as signatures
from providers.adapters.base import StreamParser
from providers.chat import Call
from providers.errors import (
    CredentialRejected,
    MalformedReply,
    RateLimited,
    RequestRejected,
    ServerFailed,
    StreamCut,
    UpstreamError,
)
from providers.kinds import KINDS
from providers.wire import Rendered, Target

ADAPTER = ADAPTERS["gemini"]
HELLO = [{"role": "user", "content": "Hello"}]
SAID = [{"role": "user", "parts": [{"text": "Hello"}]}]
TOOL = {"type": "function", "function": {"name": "tide", "parameters": {"type": "object", "properties": {}}}}
PNG = "data:image/png;base64,iVBORw0KGgo="


def target(model: str = "gemini-2.5-flash", **more: Any) -> Target:
    return Target("google", "google", "gemini", "https://vendor.test/v1beta", model, **more)


def rendered(model: str = "gemini-2.5-flash", *, strict: bool = False, stream: bool = False, **body: Any) -> Rendered:
    body = {"messages": HELLO, **body}
    extra = body.pop("extra", {})
    before = json.dumps(body)
    try:
        return ADAPTER.render(Call("chat", body, stream, strict), target(model, extra_body=extra))
    finally:
        assert json.dumps(body) == before, "nothing of the caller's is changed in place"


def sent(model: str = "gemini-2.5-flash", **body: Any) -> dict[str, Any]:
    got: dict[str, Any] = json.loads(rendered(model, **body).body)
    return got


def event(*parts: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [*parts]}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "responseId": "r", "modelVersion": "m", **more}


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\r\n\r\n" for e in events)


def opened(expected: int = 1) -> StreamParser:
    parser = ADAPTER.open_stream("chat", target())
    parser.expected = expected
    return parser


def read(*events: Any) -> list[dict[str, Any]]:
    parser = opened()
    return parser.feed(sse(*events)) + parser.end()


def parse(raw: Any) -> dict[str, Any]:
    return ADAPTER.parse("chat", raw if isinstance(raw, bytes) else json.dumps(raw).encode(), target())


# What is sent


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
    with pytest.raises(RequestRejected) as caught:
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


def called(identifier: str, name: str = "tide", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


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


# Signatures


def test_calls_without_a_signature_get_the_documented_one_where_the_model_wants_one() -> None:
    messages = [*HELLO, {"role": "assistant", "tool_calls": [called("a"), called("b")]}]
    parts = sent("gemini-3-pro", messages=messages)["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [signatures.SKIP, None]
    assert "thoughtSignature" not in sent("gemini-2.5-pro", messages=messages)["contents"][1]["parts"][0]


def test_signatures_of_other_vendors_are_left_out() -> None:
    detail = {"type": "reasoning.encrypted", "data": "x", "format": "anthropic-claude-v1"}
    messages = [*HELLO, {"role": "assistant", "content": "Hi", "reasoning_details": [detail]}]
    assert sent(messages=messages)["contents"][1]["parts"] == [{"text": "Hi"}]


@pytest.mark.parametrize("kept", ["extra_content", "reasoning_details", "id"])
def test_a_signature_comes_back_whichever_place_a_client_keeps(kept: str) -> None:
    part = {"functionCall": {"name": "tide", "args": {}}, "thoughtSignature": "a+/b"}
    message = parse(event(part, finish="STOP"))["choices"][0]["message"]
    (call,) = message["tool_calls"]
    back: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [dict(call)]}
    if kept != "extra_content":
        del back["tool_calls"][0]["extra_content"]
    if kept == "reasoning_details":
        back["reasoning_details"] = message["reasoning_details"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "x"}
    contents = sent(messages=[*HELLO, back, result])["contents"]
    (again,) = contents[1]["parts"]
    assert again["thoughtSignature"] == "a+/b"
    assert again["functionCall"]["id"] == contents[2]["parts"][0]["functionResponse"]["id"]
    assert "__thought__" not in again["functionCall"]["id"]


LETTERS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=12)
VALUES = st.dictionaries(LETTERS, st.text(max_size=8) | st.integers(-9, 9) | st.lists(st.booleans(), max_size=2))
BASE64 = st.binary(min_size=1, max_size=9).map(lambda data: __import__("base64").b64encode(data).decode())
CALLS = st.lists(st.tuples(LETTERS, LETTERS, VALUES, st.none() | BASE64), max_size=3, unique_by=lambda call: call[0])


def accumulate(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a client has at a stream's end, to be sent back."""
    out: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": [], "reasoning_details": []}
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            out["content"] += delta.get("content") or ""
            for key in ("tool_calls", "reasoning_details"):
                out[key] += delta.get(key, [])
    return out


@settings(deadline=None)
@given(CALLS, st.text(min_size=1, max_size=9), st.none() | BASE64, st.data())
def test_a_conversation_keeps_ids_arguments_and_signatures_there_and_back(
    calls: list[Any], text: str, signature: str | None, data: st.DataObject
) -> None:
    parts: list[dict[str, Any]] = [{"text": "hm", "thought": True}, {"text": text}]
    if signature:
        parts[-1]["thoughtSignature"] = signature
    for identifier, name, arguments, held in calls:
        parts.append({"functionCall": {"id": identifier, "name": name, "args": arguments}})
        if held:
            parts[-1]["thoughtSignature"] = held
    payload = sse(event(*parts), event({"text": ""}, finish="STOP"))
    places = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=5)))
    parser = opened()
    chunks = []
    for start, end in zip([0, *places], [*places, len(payload)], strict=True):
        chunks += parser.feed(payload[start:end])
    streamed = accumulate(chunks + parser.end())
    for message in (streamed, parse(event(*parts, finish="STOP"))["choices"][0]["message"]):
        user = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}
        results = [{"role": "tool", "tool_call_id": call[0], "content": "ok"} for call in reversed(calls)]
        contents = sent(messages=[user, message, *results])["contents"]
        assert contents[0]["parts"][0]["inlineData"]["data"] in PNG
        assert contents[1]["parts"] == parts[1:]
        if calls:
            answered = [part["functionResponse"] for part in contents[2]["parts"]]
            assert [(said["id"], said["name"]) for said in answered] == [call[:2] for call in calls]


# What comes back


def test_parts_without_a_word_in_openais_format_pass_beside_the_text() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA"}}
    message = parse(event({"text": "a"}, code, picture, {"text": "b"}, finish="STOP"))["choices"][0]["message"]
    assert (message["content"], message["parts"]) == ("ab", [code])
    assert message["images"][0]["image_url"] == {"url": "data:image/png;base64,AA"}


def test_citations_pass_and_become_annotations() -> None:
    raw = event({"text": "Été. Yes."}, finish="STOP")
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 7, "endIndex": 11}, "groundingChunkIndices": [0, 9]}],
    }
    raw["candidates"][0]["groundingMetadata"] = grounding
    choice = parse(raw)["choices"][0]
    assert choice["groundingMetadata"] == grounding
    cited = {"start_index": 5, "end_index": 9, "url": "https://a.example", "title": "A"}
    assert choice["message"]["annotations"] == [{"type": "url_citation", "url_citation": cited}]
    assert read(raw)[-1]["choices"][0]["groundingMetadata"] == grounding


def test_logprobs_are_said_in_openais_words() -> None:
    raw = event({"text": "a"}, finish="STOP")
    a, b = ({"token": token, "logProbability": -0.5} for token in "ab")
    raw["candidates"][0]["logprobsResult"] = {"chosenCandidates": [a], "topCandidates": [{"candidates": [a, b]}]}
    first = {"token": "a", "logprob": -0.5, "bytes": [97]}
    content = [{**first, "top_logprobs": [first, {"token": "b", "logprob": -0.5, "bytes": [98]}]}]
    assert parse(raw)["choices"][0]["logprobs"] == {"content": content, "refusal": None}
    assert read(raw)[0]["choices"][0]["logprobs"] == {"content": content, "refusal": None}


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("NEW_WORD", "stop"),
    ],
)
def test_finish_reasons(reason: str, word: str) -> None:
    assert parse(event({"text": "a"}, finish=reason))["choices"][0]["finish_reason"] == word
    assert read(event({"text": "a"}), event(finish=reason))[-1]["choices"][0]["finish_reason"] == word


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"])
def test_a_model_that_gives_up_on_an_answer_is_not_a_finish(reason: str) -> None:
    with pytest.raises(ServerFailed):
        parse(event(finish=reason))
    with pytest.raises(ServerFailed):
        read(event({"text": "a"}), event(finish=reason))


# How a stream ends


@pytest.mark.parametrize("events", [(), (event({"text": "Hal"}),), (event({"text": "Hal"}), b"[DONE]")])
def test_a_stream_without_a_finish_reason_is_cut(events: Any) -> None:
    with pytest.raises(StreamCut):
        read(*events)


def test_a_stream_that_ends_within_an_event_is_cut() -> None:
    parser = opened()
    parser.feed(sse(event({"text": "Hal"}, finish="STOP")) + b'data: {"candi')
    assert parser.complete
    with pytest.raises(StreamCut):
        parser.end()


def test_all_candidates_asked_for_must_end() -> None:
    parser = opened(expected=2)
    parser.feed(sse(event({"text": "a"}, finish="STOP")))
    assert not parser.complete
    parser.feed(sse(event({"text": "b"}, finish="MAX_TOKENS", index=1)))
    assert parser.complete
    ends = [(chunk["choices"][0]["index"], chunk["choices"][0]["finish_reason"]) for chunk in parser.end()]
    assert ends == [(0, "stop"), (1, "length")]
    assert parser.end() == []


def test_a_list_instead_of_a_stream_of_events_is_read_too() -> None:
    parser = opened()
    usage = {"promptTokenCount": 1, "totalTokenCount": 3}
    parser.feed(json.dumps([event({"text": "a"}), event({"text": "b"}, finish="STOP", usageMetadata=usage)]).encode())
    *texts, last, count = parser.end()
    assert [chunk["choices"][0]["delta"]["content"] for chunk in texts] == ["a", "b"]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert count["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (503, "UNAVAILABLE", ServerFailed),
        (429, "RESOURCE_EXHAUSTED", RateLimited),
        (400, "INVALID_ARGUMENT", RequestRejected),
        (403, "PERMISSION_DENIED", CredentialRejected),
    ],
)
def test_an_error_inside_a_success_raises_its_class(code: int, status: str, kind: type[UpstreamError]) -> None:
    body = {"error": {"code": code, "message": "It went wrong", "status": status}}
    for raw in (body, [body]):
        with pytest.raises(kind):
            parse(raw)
        with pytest.raises(kind):
            read(event({"text": "a"}), raw)
        parser = opened()
        parser.feed(json.dumps(raw).encode())
        with pytest.raises(kind):
            parser.end()


def test_a_bad_key_is_a_credential_and_a_quota_says_how_long() -> None:
    key = {"error": {"code": 400, "message": "API key not valid. Pass a valid one.", "status": "INVALID_ARGUMENT"}}
    assert type(ADAPTER.parse_error(400, {}, json.dumps(key).encode(), target())) is CredentialRejected
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
    quota = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": [info]}}
    error = ADAPTER.parse_error(429, {}, json.dumps([quota]).encode(), target())
    assert (type(error), error.retry_after) == (RateLimited, 37.0)


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"null", b"[]", b"12", b"{}", b"<html></html>", b"[" * 5000, b"\xff\xfe", b'{"usageMetadata": {}}',
        b'{"candidates": 1}', b'{"candidates": [1]}', b'{"candidates": [{"content": {"parts": 3}}]}',
        b'{"candidates": [{"content": {"parts": [3]}}]}', b'{"candidates": [{"content": {"parts": [{"text": 3}]}}]}',
        b'{"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}', b'{"candidates": []}',
    ],
)  # fmt: skip
def test_a_success_that_is_no_answer_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedReply):
        parse(payload)
    with pytest.raises((MalformedReply, StreamCut)):
        read(payload)


KEYS = [
    "candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id",
    "inlineData", "mimeType", "data", "finishReason", "index", "usageMetadata", "promptTokenCount", "totalTokenCount",
    "candidatesTokenCount", "promptTokensDetails", "modality", "tokenCount", "promptFeedback", "blockReason", "error",
    "code", "message", "status", "logprobsResult", "chosenCandidates", "topCandidates", "token", "logProbability",
    "groundingMetadata", "groundingChunks", "groundingSupports", "segment", "groundingChunkIndices", "web", "uri",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)
PARTS = st.fixed_dictionaries({}, optional=dict.fromkeys([*KEYS[3:7], "inlineData"], JSON))
CANDIDATES = st.fixed_dictionaries(
    {"content": JSON | st.fixed_dictionaries({"parts": st.lists(PARTS, max_size=3)})},
    optional=dict.fromkeys(("finishReason", "index", "logprobsResult", "groundingMetadata"), JSON),
)
RESPONSES = JSON | st.fixed_dictionaries({"candidates": st.lists(CANDIDATES, max_size=2), "usageMetadata": JSON})


def outcome(act: Callable[[], Any]) -> Any:
    """What ``act`` gives, or the message of its upstream error; anything else is a failure."""
    try:
        return act()
    except UpstreamError as error:
        return error.message


@settings(deadline=None)
@given(st.lists(RESPONSES, max_size=4))
def test_any_events_give_chunks_or_a_clean_error(events: list[Any]) -> None:
    got = outcome(lambda: read(*events))
    assert got
    assert isinstance(got, str) or all(chunk["object"] == "chat.completion.chunk" for chunk in got)


@settings(deadline=None)
@given(RESPONSES)
def test_any_json_gives_a_completion_or_a_clean_error(raw: Any) -> None:
    got = outcome(lambda: parse(raw))
    assert got
    if not isinstance(got, str):
        assert got["choices"][0]["message"]["role"] == "assistant"
        assert got["choices"][0]["finish_reason"] in {"stop", "length", "tool_calls", "content_filter"}


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_any_bytes_give_a_clean_error(pieces: list[bytes]) -> None:
    parser = opened()
    assert outcome(lambda: [parser.feed(piece) for piece in pieces] and parser.end())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["messages", "tools", "tool_choice", "stop", "response_format", "n"]), JSON))
def test_any_request_is_rendered_or_cleanly_refused(body: dict[str, Any]) -> None:
    assert outcome(lambda: ADAPTER.render(Call("chat", {"messages": HELLO, **body}), target()))
