"""Unsuccessful replies of any vendor → one class, the vendor's words, a time to wait; and nothing secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import faults
from providers.errors import (
    ContentFiltered,
    ContextTooLong,
    CredentialRejected,
    ModelMissing,
    PayloadTooLarge,
    RateLimited,
    RequestRejected,
    ServerFailed,
    Unsupported,
    UpstreamError,
)
from providers.waiting import retry_after


def classify(status: int, body: Any = b"", **headers: str) -> UpstreamError:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return faults.classify(status, {name.replace("_", "-"): value for name, value in headers.items()}, payload)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (401, CredentialRejected),
        (402, CredentialRejected),
        (403, CredentialRejected),
        (404, ModelMissing),
        (405, ModelMissing),
        (407, ServerFailed),
        (408, ServerFailed),
        (409, ServerFailed),
        (413, PayloadTooLarge),
        (422, RequestRejected),
        (425, ServerFailed),
        (429, RateLimited),
        (498, CredentialRejected),
        (500, ServerFailed),
        (503, ServerFailed),
        (524, ServerFailed),
        (529, RateLimited),
        (418, RequestRejected),
        (302, ServerFailed),
    ],
)
def test_the_status_decides_where_words_say_nothing(status: int, kind: type[UpstreamError]) -> None:
    error = classify(status)
    assert type(error) is kind
    assert error.status == status
    assert str(status) in error.message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            {"error": {"message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}},
            CredentialRejected,
        ),
        (400, {"error": {"message": "The model `gpt-9.1` does not exist", "code": "model_not_found"}}, ModelMissing),
        (400, {"error": {"message": "vendor/gpt-9 is not a valid model ID", "code": 400}}, ModelMissing),
        (
            400,
            {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"},
            ModelMissing,
        ),
        (400, {"error": {"message": "This model's maximum context length is 8192 tokens."}}, ContextTooLong),
        (400, {"error": {"message": "x", "code": "context_length_exceeded"}}, ContextTooLong),
        (
            400,
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"},
            },
            ContextTooLong,
        ),
        (400, {"error": {"message": "The response was filtered", "code": "content_filter"}}, ContentFiltered),
        (400, {"error": {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, ContentFiltered),
        (400, {"error": {"message": "max_tokens is too large: 99999", "param": "max_tokens"}}, RequestRejected),
        (400, {"error": {"code": "Arrearage", "message": "Access denied."}}, CredentialRejected),
        (400, {"error": {"message": "You have reached your API usage limits."}}, CredentialRejected),
        (400, {"error": {"message": "Unknown value 'credit balance'."}}, RequestRejected),
        (
            429,
            {"error": {"message": "x", "details": {"error_code": "enforced_spend_limit_reached"}}},
            CredentialRejected,
        ),
        (400, {"error": {"message": "Function calling is not enabled for models/gem"}}, Unsupported),
        (400, {"error": {"message": "At most 0 image(s) may be provided in one prompt."}}, Unsupported),
        (403, {"error": {"code": 403, "message": "no", "metadata": {"reasons": ["violence"]}}}, ContentFiltered),
        (403, {"error": {"message": "Input was flagged by moderation"}}, ContentFiltered),
        (
            429,
            {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}},
            CredentialRejected,
        ),
        (
            429,
            {
                "error": {
                    "message": "You exceeded your current quota, please check your plan",
                    "status": "RESOURCE_EXHAUSTED",
                }
            },
            RateLimited,
        ),
        (
            429,
            {
                "error": {
                    "message": "x",
                    "details": {},
                    "type": "rate_limit_error",
                    "code": "enforced_spend_limit_reached",
                }
            },
            CredentialRejected,
        ),
    ],
)
def test_words_split_what_a_status_leaves_open(status: int, body: Any, kind: type[UpstreamError]) -> None:
    assert type(classify(status, body)) is kind


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}, ("m", "t", "c", "p")),
        (
            [{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}],
            ("m", "INVALID_ARGUMENT", None, None),
        ),
        ({"code": "bad argument", "error": "m"}, ("m", None, "bad argument", None)),
        (
            {"object": "error", "message": "m", "type": "rate_limited", "code": 1300},
            ("m", "rate_limited", "1300", None),
        ),
        ({"id": "x", "message": "m"}, ("m", None, None, None)),
        ({"detail": "m"}, ("m", None, None, None)),
        (
            {"detail": [{"loc": ["body", "model"], "msg": "field required"}]},
            ("body.model: field required", None, None, None),
        ),
        ({"detail": {"error": "m"}}, ("m", None, None, None)),
        ({"message": {"detail": [{"loc": ["body", 0], "msg": "no"}]}}, ("body.0: no", None, None, None)),
        ({"errors": [{"message": "a"}, "b"]}, ("a; b", None, None, None)),
        ({"error": "m", "error_type": "Validation"}, ("m", "Validation", None, None)),
        (
            b"<html><head><style>p {}</style></head><body><h1>Bad</h1>\n<p>Gateway</p></body></html>",
            ("Bad Gateway", None, None, None),
        ),
        (b"upstream said no", ("upstream said no", None, None, None)),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error":{"message":"why"}}'}}},
            ("Provider returned error: why", None, None, None),
        ),
    ],
)
def test_every_shape_of_error_gives_up_its_words(body: Any, expected: Any) -> None:
    error = classify(400, body)
    assert (error.message, error.type, error.code, error.param) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abc123def456ghi. You can find it at https://keys.test/api-keys.",
        "Your api key: ****-key is invalid",
        'api_key="abcdef123456" is wrong',
        "Authorization: Bearer abcdef123456 refused",
        "key sk-ant-abcdef123456 unknown",
        "AIzaabcdef123456 is not valid",
        "API key ID: abcdef123456, Model: x",
        "token eyJabcdef123456.abcdef123456.abcdef123456",
        "see http://10.0.0.1:8000/v1?key=abcdef123456",
        "<not-a-r****key>",
        "could not load /pictures/1.png?size=2&X-Amz-Signature=abcdef123456&x=1",
    ],
)
def test_messages_hold_no_addresses_and_no_pieces_of_keys(text: str) -> None:
    for body in ({"error": {"message": text, "code": text}}, {"detail": text}, text.encode()):
        error = classify(400, body)
        for shown in (error.message, error.code or ""):
            assert not any(secret in shown for secret in ("abc", "123", "://", "***"))


def test_redaction_leaves_ordinary_words_alone() -> None:
    text = (
        "Invalid API key provided. Ensure your API key is correct: 'tokens' must be at least 1, e.g. 3:4 (max-tokens)."
    )
    assert faults.redact(text) == text


@pytest.mark.parametrize(
    ("headers", "body", "message", "seconds"),
    [
        ({"retry-after": "7"}, None, "", 7),
        ({"retry-after": "0.5"}, None, "", 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, None, "", 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT"}, None, "", 30),
        ({"retry-after": "Sat, 21 Nov 2020 10:00:30 GMT"}, None, "", 0),
        ({"retry-after": "soon"}, None, "", None),
        ({"retry-after": "nan"}, None, "", None),
        ({"retry-after": "1e300"}, None, "", 86400),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, None, "", 360),
        (
            {"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "5"}
            | {"x-ratelimit-reset-tokens": "120ms", "x-ratelimit-remaining-tokens": "0"},
            None,
            "",
            0.12,
        ),
        (
            {"x-ratelimit-reset-requests": "20s", "x-ratelimit-remaining-requests": "0"}
            | {"x-ratelimit-reset-tokens": "3s", "x-ratelimit-remaining-tokens": "0"},
            None,
            "",
            20,
        ),
        ({"x-ratelimit-reset-requests": "1s"}, None, "", None),
        ({"x-ratelimit-reset": "1795255245000"}, None, "", 45),
        ({"x-ratelimit-reset": "1795255245"}, None, "", 45),
        (
            {"anthropic-ratelimit-tokens-reset": "2026-11-21T10:00:20Z", "anthropic-ratelimit-tokens-remaining": "0"},
            None,
            "",
            20,
        ),
        ({}, {"error": {"details": [{"@type": "x"}, {"retryDelay": "37s"}]}}, "", 37),
        ({}, [{"error": {"details": [{"retryDelay": "1.5s"}]}}], "", 1.5),
        ({}, {"error": {"metadata": {"headers": {"X-RateLimit-Reset": "1795255260000"}}}}, "", 60),
        ({}, None, "Limit reached. Please try again in 7m12.5s. Visit", 432.5),
        ({}, None, "Please retry after 20 seconds.", 20),
        ({}, None, "Try again in 340ms.", 0.34),
        ({}, None, "Try again later.", None),
    ],
)
def test_the_time_to_wait_is_read_wherever_it_is_said(
    headers: dict[str, str], body: Any, message: str, seconds: float | None
) -> None:
    assert retry_after(headers, body, message, now=1795255200.0) == pytest.approx(seconds)


def test_limits_and_failures_carry_the_time_to_wait_and_other_errors_none() -> None:
    assert classify(429, retry_after="3").retry_after == 3
    assert classify(503, retry_after="3").retry_after == 3
    assert classify(400, retry_after="3").retry_after is None


KEYS = [
    "error", "message", "detail", "details", "errors", "code", "type", "param", "status", "metadata", "raw",
    "headers", "reasons", "loc", "msg", "retryDelay", "innererror", "retry-after", "x-ratelimit-reset",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
)


@settings(deadline=None)
@given(st.integers(300, 599), JSON | st.binary(max_size=200), st.text(max_size=30))
def test_any_body_and_header_give_an_error_with_a_message(status: int, body: Any, header: str) -> None:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"retry-after": header, "x-ratelimit-reset": header}
    error = faults.classify(status, headers, payload)
    assert error.message
    assert error.code is None or isinstance(error.code, str)
    assert error.retry_after is None or 0 <= error.retry_after <= 86400
    assert faults.within(body).message


def test_hostile_bodies_are_read_in_bounded_time() -> None:
    for payload in (b"<" * 200_000, b"<script" * 30_000, b"a" * 200_000, b'{"message": "' + b"a" * 200_000 + b'"}'):
        assert len(classify(400, payload).message) <= faults.MAX_MESSAGE


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Invalid value: 'invalid_api_key'. Supported values are: 'low', 'high'."),
        (400, "Invalid value: 'model_not_found'. Supported values are: 'low', 'high'."),
    ],
)
def test_what_a_vendor_quotes_of_its_caller_decides_nothing(status: int, message: str) -> None:
    body = {"error": {"message": message, "type": "invalid_request_error", "code": "invalid_value"}}
    assert type(faults.classify(status, {}, json.dumps(body).encode())) is RequestRejected


@pytest.mark.parametrize(
    ("status", "payload", "lasting"),
    [
        (401, b'{"error": {"message": "Incorrect API key provided"}}', True),
        (402, b'{"error": {"message": "Insufficient Balance"}}', True),
        (402, b'{"error": {"message": "This request requires more credits, or fewer max_tokens."}}', False),
        (403, b"<html>Request blocked</html>", False),
        (404, b'{"error": {"message": "No endpoints found that support tool use."}}', False),
        (404, b'{"error": {"message": "The model `x` does not exist"}}', True),
        (404, b'{"error": {"message": "No such File object: file-abc"}}', False),
        (404, b'{"type": "error", "error": {"type": "not_found_error", "message": "File not found: f1"}}', False),
        (404, b'{"type": "error", "error": {"type": "not_found_error", "message": "model: claude-x"}}', True),
        (
            403,
            b'{"error": {"message": "You do not have permission to access the File f1 or it may not exist."}}',
            False,
        ),
        (403, b'{"error": {"message": "CachedContent not found (or permission denied)"}}', False),
        (403, b'{"error": {"message": "Project p does not have access to model m", "code": "model_not_found"}}', False),
        (403, b'{"error": {"message": "The API is not enabled for this project"}}', True),
    ],
)
def test_only_what_other_requests_would_meet_too_is_lasting(status: int, payload: bytes, lasting: bool) -> None:
    assert faults.classify(status, {}, payload).lasting is lasting
