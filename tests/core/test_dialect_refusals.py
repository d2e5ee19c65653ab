"""What every vendor would refuse is refused before any is asked, in the same words everywhere; the rest passes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from gateway_project.api.dialects import completions, embeddings, openai, rerank, transcriptions
from gateway_project.api.dialects.base import InvalidRequest
from providers.wire import Upload

HI = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "weather"}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def chat(**more: Any) -> Any:
    return openai.parse_request({"model": "m", "messages": HI, **more}).call.body


def saying(part: Any) -> Any:
    return chat(messages=[{"role": "user", "content": [part]}])["messages"][0]["content"][0]


def picture(url: Any) -> Any:
    return saying({"type": "image_url", "image_url": {"url": url}})


def refused(ask: Callable[[], Any]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"tools": [{"name": "x"}]}, "tools[0].type", "missing_parameter"),
        ({"tools": [TOOL, {"name": "x", "parameters": {}}]}, "tools[1].type", "missing_parameter"),
        ({"tools": [{"type": 7}]}, "tools[0].type", "invalid_type"),
        ({"tools": ["x"]}, "tools[0]", "invalid_type"),
        ({"tools": [{}]}, "tools[0]", "invalid_type"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"tools": [TOOL], "tool_choice": "sometimes"}, "tool_choice", "invalid_value"),
        ({"tool_choice": "weather"}, "tool_choice", "invalid_value"),
        ({"tool_choice": 7}, "tool_choice", "invalid_type"),
        ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_value"),
        ({"response_format": {"type": 7}}, "response_format.type", "invalid_type"),
        ({"response_format": {}}, "response_format.type", "missing_parameter"),
        ({"response_format": "json"}, "response_format", "invalid_type"),
    ],
)
def test_a_malformed_tool_choice_or_form_is_named(more: dict[str, Any], param: str, code: str) -> None:
    error = refused(lambda: chat(**more))
    assert (error.param, error.code) == (param, code)


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"googleSearch": {}}, {"functionDeclarations": []}]},
        {"tools": [{"name": "x", "input_schema": {"type": "object"}}], "tool_choice": "x"},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "auto"}},
        *({"tools": [TOOL], "tool_choice": choice} for choice in ("none", "auto", "required", "any", "weather")),
        {"response_format": {"type": "text"}},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
        {"response_format": {"type": "regex", "regex": {"regex": "a+"}}},
    ],
)
def test_what_some_vendor_takes_passes_unchanged(more: dict[str, Any]) -> None:
    assert chat(**more) == {"messages": HI, **more}


@pytest.mark.parametrize(
    ("part", "where", "code"),
    [
        ({"type": "picture", "picture": "x"}, ".type", "invalid_value"),
        ({"type": 7}, ".type", "invalid_type"),
        ({"text": "Hi"}, ".type", "missing_parameter"),
        ("Hi", "", "invalid_type"),
        ({"type": "text"}, ".text", "missing_parameter"),
        ({"type": "text", "text": 7}, ".text", "invalid_type"),
        ({"type": "image_url"}, ".image_url.url", "missing_parameter"),
        ({"type": "image_url", "image_url": {}}, ".image_url.url", "missing_parameter"),
        ({"type": "image_url", "image_url": {"url": 7}}, ".image_url.url", "invalid_type"),
        ({"type": "image_url", "image_url": 7}, ".image_url.url", "invalid_type"),
        ({"type": "image_url", "image_url": "not-a-url"}, ".image_url", "invalid_value"),
    ],
)
def test_a_part_of_content_that_is_none_is_named(part: Any, where: str, code: str) -> None:
    error = refused(lambda: saying(part))
    assert (error.param, error.code) == (f"messages[0].content[0]{where}", code)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "refusal", "refusal": "No."},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f-1"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        {"type": "thinking", "thinking": "Hm."},
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "document": {"data": {}}},
        {"type": "web_search_tool_result", "tool_use_id": "t", "content": []},
        {"type": "image_url", "image_url": "https://example.com/a.png"},
    ],
)
def test_every_vendors_parts_of_content_pass_unchanged(part: Any) -> None:
    assert saying(part) == part


@pytest.mark.parametrize(
    "url",
    [
        "not-a-url", "file:///etc/passwd", "ftp://example.com/a.png", "javascript:alert(1)", "", "https://",
        "data:", "data:image/png;base64", "data:image/png;base64,", "data:image/png;base64,%%%",
        "data:image/png;base64,iVBORw0KG", "data:image/png;base64,iVBORw0KGgo=AAAA", "data:image/png;base64,é",
    ],
)  # fmt: skip
def test_a_picture_that_no_vendor_could_read_is_refused_by_its_place(url: str) -> None:
    error = refused(lambda: picture(url))
    assert (error.param, error.code) == ("messages[0].content[0].image_url.url", "invalid_value")
    assert not url or url not in error.message


@pytest.mark.parametrize(
    "url",
    [
        PIXEL, PIXEL.replace(",", ",\n"), "DATA:image/png;BASE64,iVBORw0KGgo=", "data:image/svg+xml,%3Csvg/%3E",
        "data:image/png;name=a.png;base64,iVBORw0KGgo=", "https://example.com/a.png", "HTTP://127.0.0.1:9/a",
        "data:image/png;base64,iVBORw0-_go", "gs://bucket/a.png", "oss://bucket/a.png",
    ],
)  # fmt: skip
def test_a_picture_that_some_vendor_reads_passes(url: str) -> None:
    assert picture(url)["image_url"]["url"] == url


SPEECH = Upload("a.mp3", "", 3, io.BytesIO(b"abc"))


@pytest.mark.parametrize(
    ("parse", "param"),
    [
        (lambda: openai.parse_request({"messages": HI}), "model"),
        (lambda: openai.parse_request({"model": "m"}), "messages"),
        (lambda: openai.parse_request({"model": "m", "messages": [{"content": "Hi"}]}), "messages[0].role"),
        (lambda: openai.parse_request({"model": "m", "messages": [{"role": "user"}]}), "messages[0].content"),
        (lambda: completions.parse_request({"model": "m"}), "prompt"),
        (lambda: embeddings.parse_request({"model": "m"}), "input"),
        (lambda: rerank.parse_request({"model": "m", "documents": ["a"]}), "query"),
        (lambda: rerank.parse_request({"model": "m", "query": "a"}), "documents"),
        (lambda: transcriptions.parse_request({"model": "m"}, None), "file"),
    ],
)
def test_what_is_missing_is_said_in_one_form_in_every_dialect(parse: Callable[[], Any], param: str) -> None:
    error = refused(parse)
    assert (error.message, error.param) == (f"Missing required parameter: '{param}'.", param)
    assert error.code == "missing_parameter"


@pytest.mark.parametrize(
    ("parse", "word"),
    [
        (lambda: chat(max_tokens="many"), "type"),
        (lambda: chat(max_tokens=0), "value"),
        (lambda: chat(messages=[{"role": 7, "content": "Hi"}]), "type"),
        (lambda: chat(messages=[{"role": "boss", "content": "Hi"}]), "value"),
        (lambda: completions.parse_request({"model": "m", "prompt": 7}), "type"),
        (lambda: completions.parse_request({"model": "m", "prompt": []}), "value"),
        (lambda: embeddings.parse_request({"model": "m", "input": "a", "encoding_format": 7}), "type"),
        (lambda: embeddings.parse_request({"model": "m", "input": "a", "encoding_format": "hex"}), "value"),
        (lambda: rerank.parse_request({"model": "m", "query": 7, "documents": ["a"]}), "type"),
        (lambda: rerank.parse_request({"model": "m", "query": "a", "documents": ["a"], "top_n": 0}), "value"),
        (lambda: transcriptions.parse_request({"model": "m", "response_format": ["a", "b"]}, SPEECH), "type"),
        (lambda: transcriptions.parse_request({"model": "m", "response_format": "yaml"}, SPEECH), "value"),
    ],
)
def test_a_wrong_type_and_a_wrong_value_are_told_apart(parse: Callable[[], Any], word: str) -> None:
    error = refused(parse)
    assert error.message.startswith(f"Invalid {word} for '{error.param}': expected ")
    assert error.message.endswith(".")
    assert error.code == f"invalid_{word}"
