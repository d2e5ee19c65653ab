"""What goes out to each kind of vendor, by its row."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from providers.adapters import ADAPTERS
from providers.chat import Call
from providers.errors import Unsupported
from providers.kinds import KINDS
from providers.quirks import QUIRKS
from providers.wire import Rendered, Target

OPENAI_KINDS = sorted(name for name, kind in KINDS.items() if kind.wire_at("https://vendor.test/v1") == "openai")
HELLO = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {"name": "tide", "strict": True, "parameters": {"$schema": "s", "type": "object"}},
}


def rendered(kind: str, model: str = "river", stream: bool = False, strict: bool = False, **given: Any) -> Rendered:
    extra = given.pop("extra_body", {})
    target = Target("vendor", kind, "openai", "https://vendor.test/v1", model, extra_body=extra)
    body = {"messages": HELLO, **given}
    before = json.dumps(body)
    try:
        return ADAPTERS["openai"].say(Call("chat", body, stream, strict), target)
    finally:
        assert json.dumps(body) == before, "nothing of the caller's is changed in place"


def sent(kind: str, **given: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(rendered(kind, **given).body)
    return body


def test_every_row_belongs_to_a_kind_that_speaks_openai() -> None:
    assert set(QUIRKS) <= set(OPENAI_KINDS)


@pytest.mark.parametrize("kind", OPENAI_KINDS)
def test_a_plain_request_reaches_every_kind_unchanged_but_for_the_model(kind: str) -> None:
    body = {"temperature": 0.5, "stop": ["."]} if kind not in ("perplexity",) else {"temperature": 0.5}
    assert sent(kind, **body) == {"model": "river", "messages": HELLO, **body}
    assert rendered(kind, **body).dropped == ()


def test_null_and_auto_mean_not_given() -> None:
    assert sent("openai-compatible", temperature=None, reasoning_effort="auto", tools=None) == {
        "model": "river",
        "messages": HELLO,
    }


@pytest.mark.parametrize("kind", OPENAI_KINDS)
def test_usage_is_asked_for_in_streams_where_the_vendor_takes_the_question(kind: str) -> None:
    body = sent(kind, stream=True, stream_options={"include_usage": False})
    assert body["stream"] is True
    options = body.get("stream_options")
    if kind in ("mistral", "ai21", "perplexity"):
        assert options is None
    elif kind == "openai":
        assert options == {"include_usage": True, "include_obfuscation": False}
    else:
        assert options == {"include_usage": True}
    assert not {"stream", "stream_options"} & set(sent(kind))


def test_extra_body_fills_gaps_and_null_takes_our_own_additions_back() -> None:
    body = sent("vllm", top_k=3, stream=True, extra_body={"top_k": 9, "min_p": 0.1, "stream_options": None})
    assert body == {"model": "river", "messages": HELLO, "top_k": 3, "min_p": 0.1, "stream": True}


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("openai", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("openai", {"max_tokens": 6, "max_completion_tokens": 6}, {"max_completion_tokens": 6}),
        ("cerebras", {"max_tokens": 5}, {"max_completion_tokens": 5}),
        ("ollama", {"max_completion_tokens": 5}, {"max_tokens": 5}),
        ("mistral", {"max_completion_tokens": 5, "seed": 7}, {"max_tokens": 5, "random_seed": 7}),
        ("vllm", {"max_tokens": 5}, {"max_tokens": 5}),
        ("deepseek", {"reasoning_effort": "medium"}, {"reasoning_effort": "high"}),
        ("deepseek", {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("qwen", {"reasoning_effort": "none"}, {"enable_thinking": False}),
        ("openrouter", {"reasoning_effort": "max"}, {"reasoning_effort": "xhigh"}),
        ("openai", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ("openai-compatible", {"anything": {"at": "all"}}, {"anything": {"at": "all"}}),
    ],
)
def test_parameters_are_said_in_the_vendors_words(kind: str, given: Any, expected: Any) -> None:
    got = rendered(kind, **given)
    assert json.loads(got.body) == {"model": "river", "messages": HELLO, **expected}
    assert got.dropped == ()


@pytest.mark.parametrize(
    ("kind", "model", "given"),
    [
        ("mistral", "m", {"logit_bias": {"1": 2}, "user": "u"}),
        ("perplexity", "m", {"tools": [TOOL], "tool_choice": "required", "seed": 1}),
        ("openai", "o3-mini", {"top_p": 0.5, "frequency_penalty": 1}),
        ("xai", "grok-4-fast-reasoning", {"stop": ["x"]}),
        ("ai21", "m", {"presence_penalty": 0.1}),
        ("cerebras", "m", {"logit_bias": {"1": 2}}),
        ("ollama", "m", {"n": 2}),
    ],
)
def test_what_a_vendor_cannot_take_is_dropped_and_named_or_refused_when_strict(
    kind: str, model: str, given: dict[str, Any]
) -> None:
    got = rendered(kind, model, **given)
    assert json.loads(got.body) == {"model": model, "messages": HELLO}
    assert set(got.dropped) == set(given)
    with pytest.raises(Unsupported) as caught:
        rendered(kind, model, strict=True, **given)
    assert (caught.value.status, caught.value.param) == (400, next(iter(given)))


def test_models_of_the_same_vendor_that_take_a_parameter_get_it() -> None:
    assert sent("openai", model="gpt-4o", top_p=0.5)["top_p"] == 0.5
    assert sent("openai", model="gpt-5.1", temperature=0.5)["temperature"] == 0.5
    assert sent("xai", model="grok-4-fast-non-reasoning", stop=["x"])["stop"] == ["x"]


def test_what_would_be_so_anyway_goes_unnamed() -> None:
    got = rendered("perplexity", strict=True, n=1, tools=[], logprobs=False)
    assert json.loads(got.body) == {"model": "river", "messages": HELLO}


def test_numbers_out_of_bounds_are_bent_and_named() -> None:
    got = rendered("mistral", temperature=2)
    assert (json.loads(got.body)["temperature"], got.dropped) == (1.5, ("temperature",))
    assert rendered("mistral", temperature=1.5).dropped == ()


def test_hybrid_qwen_models_answer_whole_only_without_thinking() -> None:
    assert sent("qwen", model="qwen3-30b-a3b")["enable_thinking"] is False
    assert "enable_thinking" not in sent("qwen", model="qwen3-30b-a3b", stream=True)
    assert "enable_thinking" not in sent("qwen", model="qwen-plus")
    assert sent("qwen", model="qwen3-8b", enable_thinking=True)["enable_thinking"] is True


# Tools


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("any", "required"),
        ("tide", {"type": "function", "function": {"name": "tide"}}),
        ({"type": "tool", "name": "tide"}, {"type": "function", "function": {"name": "tide"}}),
        ({"type": "any"}, "required"),
        ("auto", "auto"),
        ("unheard-of", "unheard-of"),
        ({"type": "allowed_tools", "x": 1}, {"type": "allowed_tools", "x": 1}),
    ],
)
def test_tool_choice_is_said_in_openais_form(given: Any, expected: Any) -> None:
    assert sent("openai-compatible", tools=[TOOL], tool_choice=given)["tool_choice"] == expected


def test_tool_choice_is_explicit_where_its_default_is_not_auto() -> None:
    assert sent("albert", tools=[TOOL])["tool_choice"] == "auto"
    assert "tool_choice" not in sent("albert")
    assert "tool_choice" not in sent("openai", tools=[TOOL])


def test_a_choice_that_a_vendor_lacks_becomes_auto_and_is_named() -> None:
    got = rendered("deepinfra", tools=[TOOL], tool_choice="required")
    assert (json.loads(got.body)["tool_choice"], got.dropped) == ("auto", ("tool_choice",))


def test_strict_vendors_get_tools_without_the_keys_they_refuse() -> None:
    function = sent("mistral", tools=[TOOL])["tools"][0]["function"]
    assert function == {"name": "tide", "parameters": {"type": "object"}}
    assert sent("openai", tools=[TOOL])["tools"] == [TOOL]


def test_a_schema_without_a_name_is_given_one() -> None:
    form = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    got = sent("perplexity", response_format=form)["response_format"]["json_schema"]
    assert got == {"name": "response", "schema": {"type": "object"}}


# Messages


def messages(kind: str, *given: dict[str, Any]) -> Any:
    return sent(kind, messages=list(given))["messages"]


def test_mistral_gets_short_ids_that_match_between_call_and_result() -> None:
    call = {"id": "call_0123456789", "type": "function", "function": {"name": "tide", "arguments": "{}"}}
    own = {**call, "id": "aB3dE6gH9"}
    asked, *results = messages(
        "mistral",
        {"role": "assistant", "tool_calls": [call, own], "refusal": None, "annotations": []},
        {"role": "tool", "tool_call_id": "call_0123456789", "content": "noon", "name": "tide"},
        {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "six"},
    )
    ids = [each["id"] for each in asked["tool_calls"]]
    assert set(asked) == {"role", "tool_calls"}
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", ids[0])
    assert ids[1] == "aB3dE6gH9"
    assert [result["tool_call_id"] for result in results] == ids
    assert results[0]["name"] == "tide"


def test_assistant_turns_that_say_nothing_are_left_out_for_strict_vendors() -> None:
    empty = {"role": "assistant", "content": ""}
    assert messages("mistral", *HELLO, empty, *HELLO) == HELLO * 2
    assert messages("openai", *HELLO, empty) == [*HELLO, empty]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("openai", {}),
        ("mistral", {}),
        ("deepseek", {"reasoning_content": "why"}),
        ("ollama", {"reasoning": "why"}),
        ("vllm", {"reasoning_content": "why", "reasoning": "why"}),
        ("openrouter", {"reasoning_content": "why", "reasoning": "why", "reasoning_details": [{"type": "x"}]}),
        ("openai-compatible", {"reasoning_content": "why", "reasoning": "why", "reasoning_details": [{"type": "x"}]}),
    ],
)
def test_earlier_reasoning_goes_only_to_those_who_take_it(kind: str, expected: dict[str, Any]) -> None:
    said = {"role": "assistant", "content": "so"}
    thoughts = {"reasoning_content": "why", "reasoning": "why", "reasoning_details": [{"type": "x"}]}
    got = rendered(kind, messages=[{**said, **thoughts}])
    assert json.loads(got.body)["messages"] == [{**said, **expected}]
    assert got.dropped == ()


def test_reasoning_moves_to_the_name_that_the_vendor_reads() -> None:
    said = {"role": "assistant", "content": "so"}
    assert messages("ollama", {**said, "reasoning_content": "why"}) == [{**said, "reasoning": "why"}]
    assert messages("deepseek", {**said, "reasoning": "why"}) == [{**said, "reasoning_content": "why"}]


def test_developers_speak_as_the_system_where_the_role_is_unknown() -> None:
    said = {"role": "developer", "content": "Be brief."}
    assert messages("mistral", said)[0]["role"] == "system"
    assert messages("openai", said)[0]["role"] == "developer"


def test_names_of_speakers_are_dropped_and_named_where_not_taken() -> None:
    got = rendered("xai", messages=[{"role": "user", "content": "Hello", "name": "ann"}])
    assert json.loads(got.body)["messages"] == HELLO
    assert got.dropped == ("messages[0].name",)


def test_tool_results_become_text_where_only_text_is_taken() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert messages("deepinfra", {"role": "tool", "tool_call_id": "x", "content": parts})[0]["content"] == "a\nb"


def test_perplexity_gets_turns_that_alternate() -> None:
    got = rendered(
        "perplexity",
        messages=[
            {"role": "system", "content": "One."},
            {"role": "developer", "content": "Two."},
            {"role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "c"},
            {"role": "system", "content": "d"},
            {"role": "user", "content": "e"},
            {"role": "assistant", "content": "prefill"},
        ],
    )
    assert json.loads(got.body)["messages"] == [
        {"role": "system", "content": "One."},
        {"role": "system", "content": "Two."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        {"role": "user", "content": "d\n\ne"},
    ]
    assert got.dropped == ("messages[7]",)


def test_nulls_within_messages_are_not_sent_except_absent_content() -> None:
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    given = {"role": "assistant", "content": None, "refusal": None, "audio": None, "tool_calls": [call]}
    assert messages("openai-compatible", given) == [{"role": "assistant", "content": None, "tool_calls": [call]}]


def test_efforts_become_budgets_of_qwen_unless_the_caller_says_it_in_qwens_words() -> None:
    """Hybrid models don't think until told to; open-weight ones only in streams."""
    low = {"enable_thinking": True, "thinking_budget": 1024}
    assert sent("qwen", model="qwen-plus", reasoning_effort="low").items() >= low.items()
    assert "reasoning_effort" not in sent("qwen", model="qwen-plus", reasoning_effort="high")
    own = rendered("qwen", model="qwen-plus", reasoning_effort="low", thinking_budget=50)
    assert json.loads(own.body)["thinking_budget"] == 50
    assert own.dropped == ("reasoning_effort",)
    whole = rendered("qwen", model="qwen3-32b", reasoning_effort="low")
    assert json.loads(whole.body)["enable_thinking"] is False
    assert whole.dropped == ("reasoning_effort",)
    assert sent("qwen", model="qwen3-32b", reasoning_effort="low", stream=True).items() >= low.items()


@pytest.mark.parametrize(
    ("kind", "model", "given", "lost"),
    [
        ("openai", "o3-mini", {"stop": ["."]}, ("stop",)),
        ("openai", "o1", {"stop": ["."]}, ()),
        ("openai", "gpt-5.1", {"temperature": 0.2, "stop": ["."]}, ("stop",)),
        ("openai", "gpt-5.1", {"temperature": 0.2, "reasoning_effort": "none"}, ()),
        ("openai", "gpt-5.1", {"temperature": 0.2, "reasoning_effort": "high"}, ("temperature",)),
        ("openai", "gpt-5.1-chat-latest", {"stop": ["."]}, ()),
        ("xai", "grok-4", {"reasoning_effort": "high"}, ("reasoning_effort",)),
        ("xai", "grok-3-mini", {"reasoning_effort": "high"}, ()),
        ("perplexity", "sonar", {"prompt_cache_key": "k", "verbosity": "low"}, ("prompt_cache_key", "verbosity")),
    ],
)
def test_models_refuse_what_their_family_refuses(kind: str, model: str, given: Any, lost: tuple[str, ...]) -> None:
    got = rendered(kind, model=model, **given)
    assert got.dropped == lost
    assert json.loads(got.body).keys() >= given.keys() - set(lost)


def test_mistral_gets_sound_and_files_in_parts_of_its_own() -> None:
    pdf = "data:application/pdf;base64,JVBERi0="
    parts = [
        {"type": "text", "text": "Read"},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        {"type": "file", "file": {"filename": "tide.pdf", "file_data": pdf}},
        {"type": "file", "file": {"file_id": "f1"}},
    ]
    assert sent("mistral", messages=[{"role": "user", "content": parts}])["messages"][0]["content"] == [
        parts[0],
        {"type": "input_audio", "input_audio": "UklG"},
        {"type": "document_url", "document_url": pdf, "document_name": "tide.pdf"},
        {"type": "file", "file_id": "f1"},
    ]


def test_mistral_knows_two_service_tiers() -> None:
    assert sent("mistral", service_tier="default")["service_tier"] == "standard_only"
    flexible = rendered("mistral", service_tier="flex")
    assert flexible.dropped == ("service_tier",)
    assert "service_tier" not in json.loads(flexible.body)
