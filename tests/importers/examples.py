"""A small file of every format that can be imported, with a secret wherever it may hold one. ``CANARY`` is in each."""

from __future__ import annotations

import json
from typing import Any

CANARY = "sk-canary-0123456789"

_SERVICE = {"name": "one", "backend_type": "openai", "base_url": "https://api.openai.com/v1", "api_key": CANARY,
            "timeout": 60, "priority": 0, "rate_limit_requests": 100, "rate_limit_window": 60}  # fmt: skip
_CLIENT = {"model": "gpt-3.5-turbo", "type": "openai",
           "args": {"base_url": "https://api.openai.com/v1", "api_key": CANARY, "timeout": 60}}  # fmt: skip
_LITELLM = {
    "model_list": [
        {
            "model_name": "gpt-4o",
            "litellm_params": {"model": "openai/gpt-4o", "api_key": CANARY, "rpm": 100, "weight": 0.5, "timeout": 30,
                               "extra_headers": {"X-Team": CANARY}, "order": 1, "drop_params": True},
            "model_info": {"mode": "chat", "input_cost_per_token": 2.5e-06, "max_input_tokens": 8000},
        },
        {"model_name": "home", "litellm_params": {"model": "ollama/m", "api_base": "http://localhost:11434"}},
        {"model_name": "team", "litellm_params": {"model": "xai/grok", "litellm_credential_name": "c"}},
    ],
    "router_settings": {"routing_strategy": "simple-shuffle", "model_group_alias": {"gpt-4": "gpt-4o"},
                        "fallbacks": [{"gpt-4o": ["home"]}, {"home": ["gpt-4o"]}], "num_retries": 2,
                        "allowed_fails": 3, "cooldown_time": 30, "default_fallbacks": ["home"]},
    "litellm_settings": {"request_timeout": 10, "context_window_fallbacks": [{"gpt-4o": ["home"]}]},
    "credential_list": [{"credential_name": "c", "credential_values": {"api_key": CANARY}, "credential_info": {}}],
    "general_settings": {"master_key": CANARY},
    "environment_variables": {"OPENAI_API_KEY": CANARY},
}  # fmt: skip

DATA: dict[str, tuple[str, Any]] = {
    "the gateway's own export": (
        "export.yaml",
        {
            "version": 1,
            "providers": {"acme": {"kind": "openai-compatible", "base_url": "https://acme.example/v1",
                                   "keys": [{"label": "k", "env": "ACME"}],
                                   "models": {"m": {"prices": [{"input": "1"}]}}}},
            "endpoints": {"e": {"provider": "acme", "upstream_model": "m", "retries": 2}},
            "models": {"x": {"aliases": ["y"], "entries": [{"endpoint": "e"}]}},
            "categories": {"code": {"keywords": ["bug"], "entries": [{"model": "x"}]}},
        },
    ),
    "the category router's router_config.json": (
        "router_config.json",
        {"model_mappings": {"tools": ["openai/gpt-4o"]}, "keywords": {"tools": ["call"]}},
    ),
    "the category router's circuit_breaker_state.json": (
        "circuits.json",
        {"open_circuits": {"openai/gpt-4o": {"opened_at": 1700000000.0, "failures": 3}}},
    ),
    "LiteLLM's config.yaml": ("config.yaml", _LITELLM),
    "the Albert registry's models": (
        "albert.yml",
        {
            "models": [{"id": "turbo", "type": "text-generation", "aliases": ["a"], "routing_strategy": "shuffle",
                        "max_context_length": 8000, "owned_by": "me", "clients": [_CLIENT]}],
            "auth": {"master_key": CANARY},
        },
    ),
    "the OVHcloud proxy's endpoints_config.json": (
        "endpoints_config.json",
        {"alternative_endpoints": {"mistral": ["https://mistral.endpoints.alternative1.ai.cloud.ovh.net"]}},
    ),
    "the failover router's services as JSON": ("services.json", [_SERVICE]),
    "a price map of LiteLLM's form": (
        "prices.json",
        {"gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
                    "max_input_tokens": 128000, "supports_vision": True}},
    ),
    "a .env file": ("services.env", {"USE_ROUTER": "true", "OPENAI_API_KEY": CANARY, "ROUTER_SERVICES": [_SERVICE]}),
}  # fmt: skip


def written(label: str, data: Any) -> str:
    """``data`` as the text of a file of this format; JSON is YAML, too."""
    if label != "a .env file" or not isinstance(data, dict):
        return json.dumps(data, ensure_ascii=False, indent=1)
    lines = {name: value if isinstance(value, str) else json.dumps(value) for name, value in data.items()}
    return "".join(f"{name}='{value}'\n" for name, value in lines.items())
