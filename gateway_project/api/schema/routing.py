"""How a request steers its routing, and what an explanation of it says: ``api.steering`` and ``routing.explain``. ◇"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway_project.api.dialects.parameters import LONGEST_NAME
from gateway_project.api.schema.words import (
    Schema,
    array,
    count,
    either,
    maybe,
    nullable,
    number,
    one_of,
    record,
    ref,
    switch,
    text,
    whole,
)
from gateway_project.api.steering import MOST_MODELS, MOST_NAMES, SORTS
from routing.explain import HOW

_NAME = text(minLength=1, maxLength=LONGEST_NAME, pattern=r"\S")
_NAMES = array(_NAME, "Names of providers, kinds of provider or endpoints.", maxItems=MOST_NAMES)
_PRICE = either(
    "Per million tokens, in the price's own currency.", number(minimum=0), text(pattern=r"^[0-9]+(\.[0-9]+)?$")
)

WISHES: Mapping[str, Schema] = {
    "only": {**_NAMES, "description": "Use these alone. Names of providers, kinds of provider or endpoints."},
    "ignore": {**_NAMES, "description": "Use none of these."},
    "order": {**_NAMES, "description": "Try these first, in this order."},
    "sort": one_of("Order by a strategy other than the model's own.", *SORTS),
    "max_price": record("Use none that costs more.", {"prompt": _PRICE, "completion": _PRICE})
    | {"additionalProperties": False},
    "allow_fallbacks": switch("false: try the first alone."),
}

MODEL = text(
    "A public model, an alias, a category, `router` (chosen by what the request is about), `provider/model`, or a "
    "model that a provider has.",
    maxLength=LONGEST_NAME,
)
ADDRESS: Mapping[str, Schema] = {
    "model": MODEL,
    "provider": either(
        "The provider to use, by name; or wishes for the routing.", text(maxLength=LONGEST_NAME), ref("Wishes")
    ),
    "models": array(
        text(minLength=1, maxLength=LONGEST_NAME),
        "Models to turn to in this order where the one before cannot answer; without `model`, the first is it.",
        maxItems=MOST_MODELS,
    ),
}


def _header(name: str, about: str, schema: Schema, example: str) -> dict[str, Any]:
    # No top-level example values for the wishes: documentation tools would send them with every request.
    about = f"{about} Example: `{example}`."
    return {"name": name, "in": "header", "required": False, "description": about, "schema": schema}


_LISTED = text(maxLength=1000, pattern=r"^[^,]*[^,\s][^,]*(,[^,]*[^,\s][^,]*)*$")
_FIGURE = text(pattern=r"^[0-9]+(\.[0-9]+)?$")
HEADERS: Mapping[str, dict[str, Any]] = {
    made["name"]: made
    for made in (
        _header("x-gateway-only", "Use these alone, with commas between them.", _LISTED, "openai,mistral"),
        _header("x-gateway-ignore", "Use none of these.", _LISTED, "azure-west"),
        _header("x-gateway-order", "Try these first, in this order.", _LISTED, "mistral,openai"),
        _header("x-gateway-sort", "Order by another strategy.", one_of("", *SORTS), "cheapest"),
        _header("x-gateway-max-prompt-price", "Per million tokens.", _FIGURE, "1.5"),
        _header("x-gateway-max-completion-price", "Per million tokens.", _FIGURE, "6"),
        _header("x-gateway-fallbacks", "false: try the first alone.", one_of("", "true", "false"), "false"),
    )
}
STRICT = _header(
    "x-gateway-strict",
    "true: a parameter that a vendor has no word for is an error (400), instead of being left out and named in "
    "x-gateway-dropped-params.",
    one_of("", "true", "false"),
    "true",
)
REQUEST_ID = _header(
    "x-request-id",
    "Your own id of the request: it comes back, and stands in logs and records.",
    text(pattern="^[A-Za-z0-9._:/+=@-]{1,128}$"),
    "order-4711",
)

_LIMIT = {
    "of": text("Whose limit it is."),
    "requests": maybe(whole("The most requests in the window.")),
    "tokens": maybe(whole("The most tokens in the window.")),
    "seconds": number("The window's length."),
    "current_requests": count("Requests in the window."),
    "remaining_quota": maybe(whole("Requests that are left.")),
    "current_tokens": count("Tokens in the window."),
    "remaining_tokens": maybe(whole("Tokens that are left.")),
    "is_rate_limited": switch("Whether it is used up."),
    "window_reset_in": number("Seconds until the oldest request leaves the window."),
}
_STATE = {
    "circuit": record(
        "Whether its circuit is closed (used), open (resting) or half-open (one probe).",
        {
            "phase": text("closed, open, half_open or drained."),
            "failures": count("Failed requests in a row."),
            "cause": maybe(text("Why it opened.")),
            "probe_in": maybe(number("Seconds until it is tried again.")),
        },
        "phase failures cause probe_in",
    ),
    "limits": array(ref("RouteLimit"), "Its sliding windows."),
    "under_way": count("Requests that this worker has there."),
    "first_content_ms": maybe(number("Average time to the first content, milliseconds.")),
}
_STATED = "circuit limits under_way first_content_ms"
_SECONDS = maybe(number("Seconds."))

COMPONENTS: Mapping[str, Schema] = {
    "Wishes": {
        **record("What this request wants of its routing. Headers win over it.", nullable(WISHES)),
        "additionalProperties": False,
    },
    "RouteLimit": record(
        "A sliding window, and what is in it where that could be read.", _LIMIT, "of requests tokens seconds"
    ),
    "RouteExplanation": record(
        "What would happen to the request, and why. Nothing was sent.",
        {
            "object": text("Always route.explanation.", const="route.explanation"),
            "generation": count("Of the configuration that decided."),
            "api_key": maybe(
                record(
                    "The caller's key.",
                    {
                        "name": text("Its name."),
                        "limits": array(ref("RouteLimit"), "Its own limits."),
                        "refused_for": maybe(number("Seconds for which its limits answer 429; null: they admit.")),
                    },
                    "name limits refused_for",
                )
            ),
            "resolution": ref("RouteResolution"),
            "needs": record(
                "What the request needs.",
                {
                    "operation": text("chat, completions, embeddings, rerank or transcription."),
                    "prompt_tokens": count("An estimate."),
                    "answer_tokens": count("At most, or a usual answer's."),
                },
                "operation prompt_tokens answer_tokens",
            ),
            "candidates": array(ref("RouteCandidate"), "Who would be tried, in this order."),
            "skipped": array(ref("RouteSkipped"), "Who would not be tried, and why."),
        },
        "object generation api_key resolution needs candidates skipped",
    ),
    "RouteResolution": record(
        "What the requested name means.",
        {
            "requested": text("The name in the request."),
            "route": text("What it resolved to."),
            "how": one_of("How it was found.", *HOW),
            "in_words": text("The same for people."),
            "type": maybe(text("The model's type.")),
            "category": maybe(text("The category that was chosen.")),
            "classification": maybe(
                record(
                    "Why this category.",
                    {
                        "category": maybe(text("The category.")),
                        "score": number("How sure."),
                        "why": text("In words."),
                        "matches": array(
                            record(
                                "A keyword that was found.",
                                {
                                    "category": text(),
                                    "keyword": text(),
                                    "weight": number(),
                                    "turn": count("0: the last."),
                                    "count": count(),
                                },
                            )
                        ),
                    },
                    "category score why matches",
                )
            ),
            "strategy": text("The strategy that orders candidates."),
            "order": text("The strategy in words."),
            "cut_streams": text("error, or resume: what becomes of a stream that is cut."),
        },
        "requested route how in_words type category classification strategy order cut_streams",
    ),
    "RouteCandidate": record(
        "An endpoint that would be tried.",
        {
            "position": whole("From 1.", minimum=1),
            "listed": whole("Its place in the configured list, from 1.", minimum=1),
            "endpoint": text("Its name."),
            "provider": text("Its provider."),
            "kind": text("The provider's kind."),
            "upstream_model": text("What is sent as the model."),
            "priority": whole("Its priority in the list."),
            "weight": whole("Its weight in the list."),
            "keys": count("How many keys the provider has."),
            "context_window": maybe(whole("Tokens.")),
            "price": maybe(
                record(
                    "Per million tokens, as decimal texts; null: unknown.",
                    {"currency": text(), "input": maybe(text()), "output": maybe(text())},
                    "currency input output",
                )
            ),
            "cost_at_most": maybe(text("Of this request, as a decimal text; null: unknown.")),
            "timeouts": record(
                "Seconds.",
                dict.fromkeys(("connect", "headers", "first_content", "idle", "total"), _SECONDS),
                "connect headers first_content idle total",
            ),
            **_STATE,
        },
        "position listed endpoint provider kind upstream_model priority weight keys context_window price "
        f"cost_at_most timeouts {_STATED}",
    ),
    "RouteSkipped": record(
        "An endpoint that would not be tried.",
        {
            "endpoint": text("Its name."),
            "code": text("Why, for programs."),
            "reason": text("Why, for people."),
            "wait": maybe(number("Seconds until the reason passes by itself, where it does.")),
            **_STATE,
        },
        f"endpoint code reason wait {_STATED}",
    ),
}
