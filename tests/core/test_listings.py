"""Providers' own lists of models, in fixtures written from the vendors' formats → what is known of each model."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from providers.adapters.listings import OTHER, ListedUpstreamModel, listings_of
from providers.adapters.listings.names import guess_type
from providers.errors import MalformedReply
from providers.kinds import KINDS
from tests.core.corpus import recording, recordings

CHAT, EMBEDDINGS, RERANK, SPEECH = (
    "text-generation",
    "text-embeddings-inference",
    "text-classification",
    "automatic-speech-recognition",
)


def read(kind: str, raw: object):
    return listings_of(kind, KINDS[kind].wire)[0].read(raw)


def only(kind: str, raw: object) -> ListedUpstreamModel:
    (model,) = read(kind, raw).models
    return model


def figures(model: ListedUpstreamModel) -> dict[str, str]:
    return {name: format(figure, "f") for name, figure in model.prices.items()}


def test_a_plain_list_gives_names_and_the_types_that_names_tell():
    ids = ("gpt-9", "text-embedding-3-small", "whisper-1", "tts-1-hd", "dall-e-3", "omni-moderation-latest")
    page = read("openai", {"object": "list", "data": [{"id": one, "object": "model", "created": 1} for one in ids]})
    assert [(model.name, model.type) for model in page.models] == list(
        zip(ids, (CHAT, EMBEDDINGS, SPEECH, OTHER, OTHER, OTHER), strict=True)
    )
    assert page.cursor == ""
    first = page.models[0]
    assert (first.max_input_tokens, first.max_output_tokens, dict(first.prices)) == (None, None, {})


def test_openrouter_tells_prices_per_token_and_modalities():
    model = only(
        "openrouter",
        {
            "data": [
                {
                    "id": "vendor/big",
                    "context_length": 200000,
                    "architecture": {"input_modalities": ["text", "image", "file"], "output_modalities": ["text"]},
                    "pricing": {
                        "prompt": "0.00000125",
                        "completion": "0.00001",
                        "request": "0.005",
                        "image": "0.001",
                        "input_cache_read": "0.000000125",
                    },
                    "top_provider": {"context_length": 200000, "max_completion_tokens": 64000},
                    "supported_parameters": ["tools", "tool_choice", "structured_outputs", "temperature"],
                }
            ]
        },
    )
    assert (model.type, model.max_input_tokens, model.max_output_tokens) == (CHAT, 200000, 64000)
    assert figures(model) == {"input": "1.25", "output": "10", "request": "5000", "cached_input": "0.125"}
    assert model.capabilities == ("function_calling", "pdf_input", "response_schema", "tool_choice", "vision")


def test_free_is_a_price_and_a_varying_one_is_unknown():
    rows = [
        {"id": "free", "pricing": {"prompt": "0", "completion": "0"}},
        {"id": "router", "pricing": {"prompt": "-1", "completion": "-1"}},
        {"id": "broken", "pricing": {"prompt": "NaN", "completion": "a lot"}},
        {"id": "odd", "pricing": {"prompt": True, "completion": [1]}},
    ]
    free, *others = read("openrouter", {"data": rows}).models
    assert figures(free) == {"input": "0", "output": "0"}
    assert [dict(other.prices) for other in others] == [{}, {}, {}]


def test_what_makes_something_other_than_text_is_not_taken_for_chat():
    rows = [
        {"id": "a", "architecture": {"output_modalities": ["image"]}},
        {"id": "b", "architecture": {"output_modalities": ["embeddings"]}},
        {"id": "c", "architecture": {"output_modalities": ["text", "image"]}},
    ]
    assert [model.type for model in read("openrouter", {"data": rows}).models] == [OTHER, EMBEDDINGS, CHAT]


def test_deepinfra_tells_prices_per_million_in_its_metadata():
    told = {"context_length": 40960, "max_tokens": 8192, "pricing": {"input_tokens": 0.08, "output_tokens": 0.29}}
    rows = [{"id": "a/b", "metadata": {**told, "tags": ["reasoning", "prompt_cache"]}}, {"id": "c", "metadata": None}]
    first, second = read("deepinfra", {"object": "list", "data": rows}).models
    assert (first.max_input_tokens, first.max_output_tokens) == (40960, 8192)
    assert figures(first) == {"input": "0.08", "output": "0.29"}
    assert first.capabilities == ("prompt_caching", "reasoning")
    assert second == ListedUpstreamModel("c", CHAT)


def test_xai_tells_prices_in_cents_per_hundred_million():
    row = {
        "id": "grok-x",
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
        "prompt_text_token_price": 30000,
        "cached_prompt_text_token_price": 7500,
        "completion_text_token_price": 150000,
    }
    model = only("xai", {"models": [row]})
    assert figures(model) == {"input": "3", "cached_input": "0.75", "output": "15"}
    assert model.capabilities == ("vision",)


def test_a_bare_list_with_types_and_prices_is_read():
    rows = [
        {
            "id": "org/chat",
            "type": "chat",
            "context_length": 8192,
            "pricing": {"hourly": 0, "input": 0.3, "output": 0.3},
        },
        {"id": "org/flux", "type": "image"},
        {"id": "org/rank", "type": "rerank"},
    ]
    chat, image, rank = read("openai-compatible", rows).models
    assert (chat.type, chat.max_input_tokens, figures(chat)) == (CHAT, 8192, {"input": "0.3", "output": "0.3"})
    assert (image.type, rank.type) == (OTHER, RERANK)


def test_mistral_tells_windows_and_capabilities():
    can = {"completion_chat": True, "function_calling": True, "vision": False, "fine_tuning": True}
    rows = [
        {"id": "mistral-x", "type": "base", "max_context_length": 131072, "capabilities": can},
        {"id": "mistral-embed", "capabilities": {"completion_chat": False}},
        {"id": "voxtral-x", "capabilities": {"completion_chat": False, "audio_transcription": True}},
        {"id": "classifier-x", "capabilities": {"completion_chat": False, "classification": True}},
    ]
    chat, embed, voice, classifier = read("mistral", {"object": "list", "data": rows}).models
    assert (chat.type, chat.max_input_tokens, chat.capabilities) == (CHAT, 131072, ("function_calling",))
    assert (embed.type, voice.type, classifier.type) == (EMBEDDINGS, SPEECH, OTHER)


def test_vllm_groq_and_albert_name_the_window_each_in_its_way():
    assert only("vllm", {"data": [{"id": "m", "max_model_len": 32768}]}).max_input_tokens == 32768
    groq = only("openai-compatible", {"data": [{"id": "m", "context_window": 131072, "max_completion_tokens": 8192}]})
    assert (groq.max_input_tokens, groq.max_output_tokens) == (131072, 8192)
    row = {"id": "m", "type": "image-text-to-text", "max_context_length": 128000, "costs": {"prompt_tokens": 1}}
    albert = only("albert", {"data": [row, {"id": ""}, {"object": "model"}, "text"]})
    assert (albert.type, albert.max_input_tokens) == ("image-text-to-text", 128000)
    assert dict(albert.prices) == {}, "a budget's units are no price"


def test_anthropic_pages_by_the_last_id():
    supported = {"thinking": {"supported": True}, "image_input": {"supported": True}, "batch": {"supported": True}}
    row = {
        "type": "model",
        "id": "claude-x",
        "max_input_tokens": 1000000,
        "max_tokens": 64000,
        "capabilities": supported,
    }
    page = read("anthropic", {"data": [row], "has_more": True, "first_id": "claude-x", "last_id": "claude-x"})
    assert page.cursor == "claude-x"
    assert page.models[0] == ListedUpstreamModel("claude-x", CHAT, 1000000, 64000, ("reasoning", "vision"))
    older = {"data": [{"type": "model", "id": "claude-y", "created_at": "2024-01-01T00:00:00Z"}], "has_more": False}
    page = read("anthropic", {**older, "last_id": "claude-y"})
    assert (page.cursor, page.models[0].max_input_tokens) == ("", None)


def test_gemini_says_by_methods_what_a_model_does():
    def row(name, *methods):
        return {"name": f"models/{name}", "inputTokenLimit": 1048576, "outputTokenLimit": 8192,
                "supportedGenerationMethods": list(methods)}  # fmt: skip

    rows = [
        row("gemini-x", "generateContent", "countTokens"),
        row("embedding-x", "embedContent"),
        row("veo-x", "predict"),
        row("gemini-x-tts", "generateContent"),
    ]
    page = read("google", {"models": [{**rows[0], "thinking": True}, *rows[1:]], "nextPageToken": "abc"})
    assert [(model.name, model.type) for model in page.models] == [
        ("gemini-x", CHAT), ("embedding-x", EMBEDDINGS), ("veo-x", OTHER), ("gemini-x-tts", OTHER),
    ]  # fmt: skip
    assert (page.cursor, page.models[0].max_input_tokens, page.models[0].max_output_tokens) == ("abc", 1048576, 8192)
    assert page.models[0].capabilities == ("reasoning",)
    assert read("google", {}).models == ()


def test_cohere_says_by_endpoints_what_a_model_does():
    rows = [
        {
            "name": "command-x",
            "endpoints": ["chat", "generate"],
            "context_length": 128000,
            "features": ["tools", "vision"],
        },
        {"name": "embed-x", "endpoints": ["embed"], "context_length": 512},
        {"name": "rerank-x", "endpoints": ["rerank"]},
        {"name": "classify-x", "endpoints": ["classify"]},
    ]
    page = read("cohere", {"models": rows, "next_page_token": ""})
    assert [model.type for model in page.models] == [CHAT, EMBEDDINGS, RERANK, OTHER]
    assert page.models[0].capabilities == ("function_calling", "vision")
    assert (page.models[1].max_input_tokens, page.cursor) == (512, "")


def test_ollama_and_tei_tell_what_they_hold():
    rows = [
        {"name": "llama:8b", "model": "llama:8b", "size": 1, "details": {"family": "llama"}},
        {"name": "nomic:latest", "details": {"family": "nomic-bert"}},
    ]
    assert [model.type for model in read("ollama", {"models": rows}).models] == [CHAT, EMBEDDINGS]
    info = {"model_id": "org/x", "max_input_length": 512, "model_type": {"reranker": {"id2label": {}}}}
    assert only("tei", info) == ListedUpstreamModel("org/x", RERANK, 512)
    assert only("tei", {**info, "model_type": {"embedding": {"pooling": "cls"}}}).type == EMBEDDINGS
    assert only("tei", {**info, "served_model_name": "mine"}).name == "mine"


@pytest.mark.parametrize("kind", sorted({"openai", "xai", "anthropic", "google", "cohere", "ollama", "tei", "mistral"}))
@pytest.mark.parametrize(
    "raw", [None, 7, "models", {"data": "none"}, {"models": {"a": 1}}, {"data": [{"id": 7}], "models": [{"name": []}]}]
)
def test_what_is_no_list_of_models_is_called_so(kind, raw):
    with pytest.raises(MalformedReply):
        read(kind, raw)


def test_windows_and_names_that_cannot_be_are_left_out():
    rows = [{"id": "m", "context_length": value} for value in (0, -5, 2**40, "many", 1.5, True, None, [])]
    assert {model.max_input_tokens for model in read("openai", {"data": rows}).models} == {None}
    assert only("openai", {"data": [{"id": "m", "context_length": "8192"}]}).max_input_tokens == 8192
    names = ["x" * 201, "line\nbreak", "  ", "good"]
    assert [model.name for model in read("openai", {"data": [{"id": name} for name in names]}).models] == ["good"]


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("BAAI/bge-m3", EMBEDDINGS),
        ("BAAI/bge-reranker-v2-m3", RERANK),
        ("gpt-4o-mini-transcribe", SPEECH),
        ("openai/whisper-large-v3", SPEECH),
        ("gpt-4o-mini-tts", OTHER),
        ("gemini-9-flash-image", OTHER),
        ("gpt-4o-realtime-preview", OTHER),
        ("Qwen/Qwen2.5-VL-7B-Instruct", CHAT),
        ("deliverance-7b", CHAT),
        ("nomic-embed-text:latest", EMBEDDINGS),
    ],
)
def test_a_name_tells_what_a_model_does(name, type_):
    assert guess_type(name) == type_


ODD = (None, True, -1, 10**400, 1e308, "", "\x00", "\ud800", [], {}, [[]], {"supported": {}}, ["x", None, {}])
RICH = {
    "id": "m",
    "name": "models/m",
    "model_id": "m",
    "model_type": {"embedding": {}},
    "type": "chat",
    "context_length": 1,
    "details": {"family": "x", "context_length": 1},
    "capabilities": {"vision": True},
    "features": ["tools"],
    "endpoints": ["chat"],
    "supportedGenerationMethods": ["generateContent"],
    "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
    "pricing": {"prompt": "0.1", "completion": "0.1"},
    "metadata": {"pricing": {"input_tokens": 1}, "tags": ["vision"]},
    "top_provider": {"max_completion_tokens": 1},
}


def bent(value: object):
    """``value`` with each of its nodes in turn replaced by each odd thing."""
    yield from ODD
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        for odd in bent(below):
            copy = value.copy()
            copy[key] = odd
            yield copy


@pytest.mark.parametrize("kind", ["openai", "xai", "anthropic", "google", "cohere", "ollama", "tei"])
def test_whatever_is_odd_in_a_list_is_left_out_or_called_no_list(kind):
    whole = {"data": [RICH], "models": [RICH], "has_more": True, "last_id": "m", "nextPageToken": "t", **RICH}
    for raw in bent(whole):
        try:
            page = read(kind, raw)
        except MalformedReply:
            continue
        assert isinstance(page.cursor, str)
        for model in page.models:
            assert model.name.isprintable()
            assert model.max_input_tokens is None or 0 < model.max_input_tokens < 2**31
            assert all(0 <= figure < 10**9 for figure in model.prices.values())


@pytest.mark.corpus
@pytest.mark.parametrize("entry", recordings("openai-models"), ids=lambda entry: entry["id"])
def test_recorded_lists_are_read_whole(entry):
    raw = recording(entry)["response"]["json"]
    models = read("openai", raw).models
    assert [model.name for model in models] == [row["id"] for row in raw["data"]]
    for model, row in zip(models, raw["data"], strict=True):
        assert model.type == row.get("type", model.type), json.dumps(row)
        assert model.max_input_tokens == row.get("max_context_length")
        assert all(isinstance(figure, Decimal) for figure in model.prices.values())
