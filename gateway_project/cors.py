"""What web pages of the origins in GATEWAY_CORS_ORIGINS may send and read. No cookies: callers bring keys.

``*`` stands for the headers that SDKs add (``x-stainless-…``); it means neither ``authorization`` nor, to browsers of
before 2020, anything, so that those of our own are named.
"""

from __future__ import annotations

API_PATHS = r"^/(?!admin(/|$)|static/)"

ACCEPTED = (
    "authorization",
    "content-type",
    "x-api-key",
    "x-request-id",
    "x-gateway-fallbacks",
    "x-gateway-ignore",
    "x-gateway-max-completion-price",
    "x-gateway-max-prompt-price",
    "x-gateway-only",
    "x-gateway-order",
    "x-gateway-sort",
    "x-gateway-strict",
    "*",
)

TOLD = (
    "retry-after",
    "x-request-id",
    "x-should-retry",
    "x-gateway-attempts",
    "x-gateway-category",
    "x-gateway-dropped-params",
    "x-gateway-endpoint",
    "x-gateway-generation",
    "x-gateway-overhead-ms",
    "x-gateway-provider",
)
