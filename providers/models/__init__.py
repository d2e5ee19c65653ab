"""Who can be asked: providers, their keys and headers, what they offer, and what it costs."""

from providers.models.accounts import Provider, ProviderHeader, ProviderKey, kind_choices
from providers.models.offered import ModelType, Price, ProviderModel
from providers.models.rules import (
    FORBIDDEN_HEADERS,
    HEADER_NAME,
    LONGEST_TEXT,
    MOST_TEXTS,
    OWN_SECRETS,
    PROVIDER_NAME,
    WINDOW_BOUNDS,
    validate_http_url,
    validate_object,
    validate_string_list,
    validate_string_map,
)

__all__ = [
    "FORBIDDEN_HEADERS",
    "HEADER_NAME",
    "LONGEST_TEXT",
    "MOST_TEXTS",
    "OWN_SECRETS",
    "PROVIDER_NAME",
    "WINDOW_BOUNDS",
    "ModelType",
    "Price",
    "Provider",
    "ProviderHeader",
    "ProviderKey",
    "ProviderModel",
    "kind_choices",
    "validate_http_url",
    "validate_object",
    "validate_string_list",
    "validate_string_map",
]
