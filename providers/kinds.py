"""The kinds of provider: a row a kind. ◇ no framework.

A kind says which wire format is spoken (``providers/adapters``), how requests are signed, and under which environment
variables its key is usually found. What an OpenAI-compatible vendor does differently on the wire is in ``quirks.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``paths``: where it differs from the wire format's own, by operation ("": it has no such operation).
    ``slow_start``: the server may load a model before the first token, so first content gets 60 s. ``compatible``: the
    end of a base URL under which the server speaks OpenAI's format instead of its own."""

    name: str
    label: str
    wire: str = "openai"
    auth_header: str = "Authorization"
    auth_scheme: str = "Bearer"
    env_vars: tuple[str, ...] = ()
    slow_start: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)
    compatible: str = ""

    def wire_at(self, base_url: str) -> str:
        """The wire format spoken at ``base_url``: of a server with two, the URL says which one is meant."""
        return "openai" if self.compatible and base_url.rstrip("/").endswith(self.compatible) else self.wire


def _without(*operations: str) -> dict[str, str]:
    return dict.fromkeys(operations, "")


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("openai", "OpenAI", env_vars=("OPENAI_API_KEY",), paths=_without("rerank")),
        Kind("openai-compatible", "OpenAI-compatible server"),
        Kind(
            "anthropic",
            "Anthropic",
            wire="anthropic",
            auth_header="x-api-key",
            auth_scheme="none",
            env_vars=("ANTHROPIC_API_KEY",),
        ),
        Kind(
            "google",
            "Google Gemini",
            wire="gemini",
            auth_header="x-goog-api-key",
            auth_scheme="",
            env_vars=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            paths={"models": "/models"},
        ),
        Kind(
            "mistral",
            "Mistral AI",
            env_vars=("MISTRAL_API_KEY",),
            paths={"completions": "/fim/completions", **_without("rerank")},
        ),
        Kind("cohere", "Cohere", wire="cohere", env_vars=("COHERE_API_KEY", "CO_API_KEY")),
        Kind(
            "deepseek",
            "DeepSeek",
            env_vars=("DEEPSEEK_API_KEY",),
            paths={"completions": "/beta/completions", **_without("embeddings", "rerank", "transcription")},
        ),
        Kind("xai", "xAI", env_vars=("XAI_API_KEY",), paths=_without("completions", "rerank")),
        Kind("qwen", "Qwen (Alibaba)", env_vars=("QWEN_API_KEY", "DASHSCOPE_API_KEY"), paths=_without("transcription")),
        Kind(
            "ai21",
            "AI21 Labs",
            env_vars=("AI21_API_KEY",),
            paths=_without("completions", "embeddings", "rerank", "transcription"),
        ),
        Kind(
            "perplexity",
            "Perplexity",
            env_vars=("PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"),
            paths=_without("completions", "rerank", "transcription"),
        ),
        Kind("deepinfra", "DeepInfra", env_vars=("DEEPINFRA_API_KEY",)),
        Kind("openrouter", "OpenRouter", env_vars=("OPENROUTER_API_KEY",), paths=_without("rerank")),
        Kind(
            "ollama",
            "Ollama",
            wire="ollama",
            compatible="/v1",
            slow_start=True,
            paths=_without("rerank", "transcription"),
        ),
        Kind(
            "cerebras",
            "Cerebras",
            env_vars=("CEREBRAS_API_KEY",),
            paths=_without("embeddings", "rerank", "transcription"),
        ),
        Kind(
            "ovhcloud",
            "OVHcloud AI Endpoints",
            env_vars=("OVH_TOKEN_ENDPOINT", "OVH_AI_ENDPOINTS_ACCESS_TOKEN", "OVHCLOUD_API_KEY"),
            paths=_without("rerank"),
        ),
        Kind("vllm", "vLLM", env_vars=("VLLM_API_KEY",), slow_start=True),
        Kind("tei", "Text Embeddings Inference", wire="tei", slow_start=True),
        Kind("albert", "Albert API", env_vars=("ALBERT_API_KEY",)),
    )
}
