"""What goes wrong: one error object, and what each status means. ``api.errors`` and ``api.drf`` make them. ◇"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway_project.api.schema.words import Schema, array, count, maybe, number, record, ref, text, whole


def header(about: str, schema: Schema) -> dict[str, Any]:
    return {"description": about, "schema": schema}


HEADERS: Mapping[str, dict[str, Any]] = {
    "x-request-id": header("The caller's own id of the request, or the gateway's.", text()),
    "x-gateway-provider": header("Who answered; none.", text()),
    "x-gateway-endpoint": header("Which endpoint of the configuration answered; none.", text()),
    "x-gateway-attempts": header("How often something was sent upstream.", count()),
    "x-gateway-generation": header("Of the configuration that decided.", count()),
    "x-gateway-overhead-ms": header("Milliseconds that the gateway itself took.", number(minimum=0)),
    "x-gateway-category": header("The category that was chosen, where one was.", text()),
    "x-gateway-dropped-params": header("Parameters that the vendor has no word for, with commas between them.", text()),
    "Retry-After": header("Seconds to wait.", whole(minimum=1)),
    "x-should-retry": header("Whether trying again may help; the official SDKs obey it.", text(enum=["true", "false"])),
    "WWW-Authenticate": header("Bearer.", text()),
}
EVERY = (
    "x-request-id", "x-gateway-provider", "x-gateway-endpoint", "x-gateway-attempts", "x-gateway-generation",
    "x-gateway-overhead-ms",
)  # fmt: skip
ROUTED = ("x-gateway-category", "x-gateway-dropped-params")

# Status → (component, headers besides those of every answer, what it means, an example's message, type and code).
_STATUSES: Mapping[str, tuple[str, tuple[str, ...], str, tuple[str, str, str | None]]] = {
    "400": (
        "BadRequest", ("x-should-retry",),
        "The request is wrong; `param` names where. Also: the vendor refused it or its content, its prompt is longer "
        "than any context window (`context_length_exceeded`), nothing that serves the model can do this "
        "(`unsupported_operation`), or a parameter has no word there and x-gateway-strict is true.",
        ("Missing required parameter: 'messages'.", "invalid_request_error", "missing_parameter"),
    ),
    "401": (
        "Unauthorised", ("WWW-Authenticate",), "No key, or one that is wrong, disabled or expired.",
        ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    ),
    "403": (
        "Forbidden", ("x-should-retry",),
        "The key may not do this (`insufficient_scope`), or not with this model (`model_not_allowed`); the vendor "
        "refused the content; or, where no key is asked for, a web page of another origin.",
        ("This API key may not use the model 'opus'.", "permission_error", "model_not_allowed"),
    ),
    "404": (
        "NotFound", ("x-should-retry",),
        "No such model, here or upstream (`model_not_found`); or no endpoint is what the request asks for "
        "(`no_matching_endpoint`); or no such category (`category_not_found`).",
        ("Model not found: 'gpt-9'", "invalid_request_error", "model_not_found"),
    ),
    "408": ("TooSlow", (), "The body did not arrive in time.",
            ("The request body did not arrive within 30 s.", "invalid_request_error", None)),
    "413": ("TooLarge", ("x-should-retry",), "The body is larger than the gateway (GATEWAY_MAX_BODY_MB) takes.",
            ("The request body is larger than 32 MB (GATEWAY_MAX_BODY_MB).", "invalid_request_error",
             "request_too_large")),
    "415": ("Encoded", (), "The body has a Content-Encoding: send it as it is.",
            ("Content-Encoding 'gzip' is not supported: send the body as it is.", "invalid_request_error", None)),
    "422": ("Unprocessable", ("x-should-retry",), "The vendor refused the request; its words are passed on.",
            ("extra_forbidden: body.colour", "invalid_request_error", None)),
    "429": (
        "RateLimited", ("Retry-After", "x-should-retry"),
        "The API key's own limit is used up, or everything that could answer is rate limited.",
        ("All configured services are rate limited", "rate_limit_error", "rate_limit_exceeded"),
    ),
    "499": ("CallerLeft", (), "The caller closed its half of the connection: seen by no one but logs and proxies.",
            ("The caller left.", "invalid_request_error", None)),
    "4XX": ("Refused", ("x-should-retry",), "Any other refusal of a vendor's is passed on with its status.",
            ("Unavailable for legal reasons.", "invalid_request_error", None)),
    "500": ("Failed", (), "A fault of the gateway's own; the log says more.",
            ("The gateway failed to answer this request.", "server_error", "internal_error")),
    "502": ("BadGateway", ("x-should-retry",), "A vendor refused the request in words that are no client's error.",
            ("The content was refused.", "upstream_error", None)),
    "503": (
        "Unavailable", ("Retry-After", "x-should-retry"),
        "Nobody could answer (`service_unavailable`; `error.attempts` says who was tried and what became of it), no "
        "provider of the model is configured (`provider_not_configured`), or this worker is full (`overloaded`).",
        ("All configured services are unavailable", "service_unavailable_error", "service_unavailable"),
    ),
}  # fmt: skip

COMPONENTS: Mapping[str, Schema] = {
    "Error": record(
        "What went wrong, as OpenAI says it.",
        {
            "error": record(
                "",
                {
                    "message": text("For people."),
                    "type": text("The kind of error."),
                    "param": maybe(text("The JSON path, or header, that is wrong.")),
                    "code": maybe(text("For programs.")),
                    "attempts": array(ref("Attempt"), "Where all were tried in vain: who, and what became of it."),
                },
                "message type param code",
            )
        },
        "error",
    ),
    "Attempt": record(
        "One try, or an endpoint that was left out.",
        {
            "endpoint": text("Its name."),
            "outcome": text("What became of it; skipped:… where it was not tried, with the reason."),
            "status": maybe(whole("The upstream's HTTP status, where there was one.")),
        },
        "endpoint outcome status",
    ),
}


def headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*EVERY, *names)}


def answers(statuses: str) -> dict[str, Any]:
    """ "400 401" → the responses of an operation, by reference."""
    return {status: {"$ref": f"#/components/responses/{_STATUSES[status][0]}"} for status in statuses.split()}


def _response(status: str) -> dict[str, Any]:
    _, more, about, (message, type_, code) = _STATUSES[status]
    example: dict[str, Any] = {"message": message, "type": type_, "param": None, "code": code}
    if status == "503":
        example["attempts"] = [{"endpoint": "openai/gpt-4o", "outcome": "server_error", "status": 500}]
    body = {"schema": ref("Error"), "example": {"error": example}}
    return {"description": about, "headers": headers(*more), "content": {"application/json": body}}


def responses(statuses: Iterable[str] = _STATUSES) -> dict[str, Any]:
    """All of them, by their components' names."""
    return {_STATUSES[status][0]: _response(status) for status in statuses}
