"""/openapi.json: valid, complete, and true of what the gateway takes and answers."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from openai.types import completion_create_params, embedding_create_params
from openai.types.audio import transcription_create_params
from openai.types.chat import completion_create_params as chat_params

from gateway_project.api import steering
from gateway_project.api.dialects import completions, embeddings, openai, rerank, transcriptions
from gateway_project.api.dialects.base import Failure
from gateway_project.api.dialects.parameters import GATEWAY_KEYS
from gateway_project.api.schema.document import document
from gateway_project.version import VERSION
from providers import quirks
from providers.adapters import (
    ADAPTERS,
    anthropic_request,
    cohere_embed,
    cohere_request,
    cohere_rerank,
    gemini_embed,
    gemini_request,
    ollama_request,
    openai_embeddings,
    tei,
)
from providers.adapters.openai_request import NEUTRAL
from tests.core.test_adapters_vectors import FIXTURES, RANK, TWO, read
from tests.core.test_golden import fixtures, target
from tests.core.test_golden_kinds import ASKED

# Not of the API: the admin, and the description itself.
OTHERS = ("admin/", "admin/language/", "docs", "openapi.json")


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def test_its_version_is_the_products(described: dict[str, Any]) -> None:
    assert described["info"]["version"] == VERSION


@pytest.fixture(scope="module")
def fits(described) -> typing.Callable[[Any, str], None]:
    """Fails where a value is not as a component says."""

    def check(value: Any, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]
        assert not errors, f"{name}: {errors}"

    return check


def schema(described: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = described["components"]["schemas"][name]
    return found


def nodes(schema: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in a schema, with its path."""
    yield where, schema
    for key in ("properties", "$defs", "patternProperties"):
        for name, inner in schema.get(key, {}).items():
            yield from nodes(inner, f"{where}.{name}")
    for key in ("items", "additionalProperties", "not", "contentSchema"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{where}.{key}")
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for index, inner in enumerate(schema.get(key, ())):
            yield from nodes(inner, f"{where}.{key}[{index}]")


def all_schemas(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, component in described["components"]["schemas"].items():
        yield from nodes(component, name)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (body.get("content", {}) for body in bodies):
                for media, said in content.items():
                    yield from nodes(said["schema"], f"{method} {path} {media}")
            for parameter in operation["parameters"]:
                yield from nodes(parameter["schema"], f"{method} {path} {parameter['name']}")


def test_the_description_is_served_to_everyone() -> None:
    answer = Client().get("/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["openapi"].startswith("3.1")
    assert Client().post("/openapi.json").status_code == 405


def test_the_description_is_valid_and_all_it_refers_to_is_there(described) -> None:
    validate_schema(described)
    text = json.dumps(described)
    for kind, parts in described["components"].items():
        for name, part in parts.items():
            if kind == "schemas":
                Draft202012Validator.check_schema(part)
            if kind != "securitySchemes":
                assert f'"#/components/{kind}/{name}"' in text, f"nothing refers to {kind}/{name}"
    for reference in {piece.split('"')[0] for piece in text.split('"$ref": "#/')[1:]}:
        found: Any = described
        for step in reference.split("/"):
            found = found[step]
    names = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_every_url_outside_the_admin_is_described(described) -> None:
    for pattern in get_resolver().url_patterns:
        route = str(pattern.pattern)
        if route in OTHERS:
            continue
        assert isinstance(pattern, URLPattern)
        path = "/" + route.replace("<path:", "{").replace("<str:", "{").replace(">", "}")
        assert path in described["paths"], f"{path} is not described"
        allowed = {name for name in pattern.callback.cls.http_method_names if hasattr(pattern.callback.cls, name)}
        assert set(described["paths"][path]) == allowed - {"head", "options"}


def test_no_object_or_array_is_bare_and_none_says_nothing(described) -> None:
    for where, node in all_schemas(described):
        types = node.get("type", [])
        types = [types] if isinstance(types, str) else types
        if "object" in types:
            inside = node.get("properties") or isinstance(node.get("additionalProperties"), dict)
            assert inside, f"{where} is a bare object"
        if "array" in types:
            assert node.get("items"), f"{where} is a bare array"
        assert node, f"{where} says nothing"


def test_every_operation_has_an_example_and_says_who_may_call_it(described) -> None:
    for path, methods in described["paths"].items():
        for operation in methods.values():
            assert operation["summary"]
            assert "curl http" in operation["description"]
            assert "500" in operation["responses"]
            assert bool(operation["security"]) == ("401" in operation["responses"]), path
            for said in operation.get("requestBody", {}).get("content", {}).values():
                for example in said.get("examples", {}).values():
                    checker = {**said["schema"], "components": described["components"]}
                    Draft202012Validator(checker).validate(example["value"])


def _quirk_names(row: quirks.Quirks) -> set[str]:
    """Every parameter that a row of quirks handles."""
    names = {*row.rename, *row.rename.values(), *(row.allow or ()), *row.drop, *row.clamp, *row.words}
    names.update(*(dropped for _, dropped in (*row.drop_for, *row.drop_thinking)))
    names.update(*(said for said in row.effort_as.values()), *(forced for _, forced in row.force_whole))
    return names


def _handled_in_chats() -> set[str]:
    names = {*openai.PARAMETERS, *GATEWAY_KEYS, *NEUTRAL, *anthropic_request.HANDLED, *anthropic_request.NATIVE}
    names |= {*gemini_request.CONFIG, *gemini_request.NATIVE, *gemini_request.SILENT}
    names |= {*cohere_request.NATIVE, *cohere_request.ELSEWHERE, *cohere_request.TABLE}
    names |= {*ollama_request.OWN, *ollama_request.OPTIONS, *ollama_request.ELSEWHERE}
    for row in quirks.QUIRKS.values():
        names |= _quirk_names(row)
    return names - {"best_of", "echo"}  # of completions, which share the table NEUTRAL


def _handled_in_embeddings() -> set[str]:
    names = {*embeddings.PARAMETERS, "input", *cohere_embed.RENAME, *cohere_embed.TAKES, *gemini_embed.NAMES}
    names |= {*ollama_request.OWN_OF_EMBED, *tei.EMBED, *tei.COMPATIBLE}
    for row in openai_embeddings.ROWS.values():
        names |= {*row.rename, *(row.allow or ())}
    return names


HANDLED = {
    "ChatCompletionRequest": _handled_in_chats,
    "CompletionRequest": lambda: set(completions.PARAMETERS).union(
        *(_quirk_names(row) for (_, operation), row in quirks.OTHERS.items() if operation == "completions")
    ),
    "EmbeddingRequest": _handled_in_embeddings,
    "RerankRequest": lambda: {*rerank.PARAMETERS, *rerank.OLDER, "documents", *cohere_rerank.TAKES, *tei.RERANK},
    "TranscriptionForm": lambda: {*transcriptions.PARAMETERS, "file", "model", "provider"},
}


@pytest.mark.parametrize("name", HANDLED)
def test_every_parameter_that_the_gateway_handles_is_named(described, name) -> None:
    missing = HANDLED[name]() - set(schema(described, name)["properties"])
    assert not missing, f"add them to gateway_project/api/schema: {sorted(missing)}"


def test_every_wish_for_the_routing_is_named(described) -> None:
    assert set(schema(described, "Wishes")["properties"]) == set(steering.OBJECT_KEYS)
    headers = {name for table in (steering._LISTS, steering._PRICES) for name in table.values()}
    headers |= {"HTTP_X_GATEWAY_SORT", "HTTP_X_GATEWAY_FALLBACKS", "HTTP_X_GATEWAY_STRICT", "HTTP_X_REQUEST_ID"}
    for path in ("/v1/chat/completions", "/v1/route/explain", "/v1/audio/transcriptions"):
        said = {parameter["name"] for parameter in described["paths"][path]["post"]["parameters"]}
        assert {f"HTTP_{name.upper().replace('-', '_')}" for name in said} == headers


@pytest.mark.parametrize(
    ("params", "name"),
    [
        (chat_params.CompletionCreateParamsNonStreaming, "ChatCompletionRequest"),
        (completion_create_params.CompletionCreateParamsNonStreaming, "CompletionRequest"),
        (embedding_create_params.EmbeddingCreateParams, "EmbeddingRequest"),
        (transcription_create_params.TranscriptionCreateParamsNonStreaming, "TranscriptionForm"),
    ],
)
def test_every_parameter_of_the_official_sdk_is_named(described, params, name) -> None:
    named = {key.removesuffix("[]") for key in schema(described, name)["properties"]}
    assert set(typing.get_type_hints(params)) <= named


@pytest.mark.parametrize("path", fixtures(".json"))
def test_whole_answers_are_as_described(path: Path, fits) -> None:
    made = ADAPTERS[target(path).wire].parse("chat", path.read_bytes(), target(path))
    fits(json.loads(openai.render_response(made)), "ChatCompletion")
    fits(json.loads(completions.render_response(made)), "Completion")


@pytest.mark.parametrize("path", [*fixtures(".sse"), *fixtures(".ndjson")])
def test_events_of_streams_are_as_described(path: Path, fits) -> None:
    parser = ADAPTERS[target(path).wire].open_stream("chat", target(path))
    for chunk in [*parser.feed(path.read_bytes()), *parser.end()]:
        event = openai.render_chunk(chunk, include_usage=True)
        fits(json.loads(event.removeprefix(b"data: ")), "ChatCompletionChunk")
        fits(json.loads(completions.render_chunk(chunk, include_usage=True)[6:]), "Completion")


@pytest.mark.parametrize("path", FIXTURES)
def test_vectors_and_rankings_are_as_described(path: Path, fits) -> None:
    operation = path.stem.partition("-")[0]
    body = TWO if operation == "embeddings" else RANK
    got = read(path.parent.name, operation, path.read_bytes(), body)
    if operation == "embeddings":
        counted = {"usage": {"prompt_tokens": None, "total_tokens": None}}
        for encoding in ("float", "base64"):
            fits(json.loads(embeddings.render_response({**counted, **got}, encoding)), "EmbeddingList")
    else:
        fits(json.loads(rerank.render_response(got)), "Ranking")


def test_errors_are_as_described(fits) -> None:
    tried = {"attempts": [{"endpoint": "a", "outcome": "timeout", "status": None}]}
    for extra in (None, tried):
        fits(openai.render_error(Failure(503, "No.", "server_error"), extra), "Error")


def test_requests_that_every_vendor_is_sent_are_as_described(fits) -> None:
    fits({"model": "tide", **ASKED}, "ChatCompletionRequest")
    fits({"model": "tide", **dict.fromkeys(openai.PARAMETERS), **ASKED}, "ChatCompletionRequest")
    with pytest.raises(AssertionError, match="role"):
        fits({"model": "tide", "messages": [{"role": "captain", "content": "Ahoy"}]}, "ChatCompletionRequest")
