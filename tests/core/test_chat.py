"""What all adapters share: finish reasons, usage, content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers.chat import DEEPEST, finish_reason, has_content, too_deep, usage


@pytest.mark.parametrize(
    ("reason", "called", "expected"),
    [
        ("stop", True, "stop"),
        ("STOP", True, "tool_calls"),
        ("eos_token", False, "stop"),
        ("MAX_TOKENS", False, "length"),
        ("model_length", True, "length"),
        ("sensitive", False, "content_filter"),
        ("function_call", False, "function_call"),
        ("whatever", False, "stop"),
        (None, True, "tool_calls"),
        (7, False, "stop"),
    ],
)
def test_finish_reasons_become_openais_words(reason: Any, called: bool, expected: str) -> None:
    assert finish_reason(reason, called) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((331, 11, 674), (331, 343)),
        ((66, 6, 100), (66, 34)),
        ((10, 5, 3), (10, 5)),
        ((10.0, "5", None), (10, 5)),
        ((None, 5, 12), (7, 5)),
        ((10, None, 12), (10, 2)),
        ((-3, 5, 5), (0, 5)),
    ],
)
def test_usage_adds_up(given: Any, expected: Any) -> None:
    got = usage(dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), given, strict=True)))
    assert got is not None
    assert (got["prompt_tokens"], got["completion_tokens"], got["total_tokens"]) == (*expected, sum(expected))


def test_usage_that_says_nothing_is_none_and_details_are_whole_numbers() -> None:
    assert usage({}) is None
    assert usage({"prompt_tokens": "many"}) is None
    got = usage(
        {
            "prompt_tokens": 5,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 9.0, "text_tokens": None, "source": "x"},
            "completion_tokens_details": None,
        }
    )
    assert got == {
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "total_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 5, "source": "x"},
    }


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"role": "assistant", "content": ""}, False),
        ({"content": "a"}, True),
        ({"reasoning_content": "a"}, True),
        ({"refusal": "no"}, True),
        ({"tool_calls": [{"index": 0}]}, True),
        ({"audio": {"id": "x"}}, True),
        ({}, False),
    ],
)
def test_content_is_more_than_roles_and_empty_deltas(delta: dict[str, Any], expected: bool) -> None:
    assert has_content({"choices": [{"index": 0, "delta": delta}]}) is expected
    assert not has_content({"choices": []})


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        ("[" * DEEPEST + "]" * DEEPEST, False),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), True),
        ('{"a":' * 300 + "1" + "}" * 300, True),
        (json.dumps(["[{" * 300, [[1.5] * 3] * 300]), False),
    ],
)
def test_only_real_nesting_counts_as_deep(text: str, deep: bool) -> None:
    assert too_deep(json.loads(text), text) is deep
    assert too_deep(json.loads(text), text.encode()) is deep


def test_what_was_heard_was_read_and_not_written() -> None:
    """Mistral counts the tokens of sound in the total alone."""
    given = {"prompt_audio_seconds": 203, "prompt_tokens": 4, "completion_tokens": 635, "total_tokens": 3264}
    got = usage(given)
    assert got is not None
    assert (got["prompt_tokens"], got["completion_tokens"], got["total_tokens"]) == (2629, 635, 3264)
