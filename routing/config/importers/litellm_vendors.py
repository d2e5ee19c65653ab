"""LiteLLM's words for vendors, before the slash in ``openai/gpt-4o``, and what they are here. ◇ no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.kinds import KINDS


@dataclass(frozen=True, slots=True)
class Vendor:
    """``kind`` of ours; ``base_url`` "": the kind's own, or one that the file must say; ``env``: where the key is where
    the file says none and the kind's first variable is not it."""

    kind: str
    base_url: str = ""
    env: str = ""

    @property
    def variable(self) -> str:
        """The variable that LiteLLM reads the key from."""
        return self.env or next(iter(KINDS[self.kind].env_vars), "")


_SAME = ("openai", "anthropic", "mistral", "cohere", "deepseek", "xai", "ai21", "perplexity", "deepinfra", "openrouter")
_SERVERS = (
    "openai_like",
    "custom_openai",
    "litellm_proxy",
    "lm_studio",
    "llamafile",
    "xinference",
    "docker_model_runner",
)

VENDORS: Mapping[str, Vendor] = {
    **{name: Vendor(name) for name in (*_SAME, "ollama", "cerebras", "ovhcloud")},
    **{name: Vendor("openai-compatible") for name in _SERVERS},
    "text-completion-openai": Vendor("openai"),
    "gemini": Vendor("google", env="GEMINI_API_KEY"),
    "cohere_chat": Vendor("cohere"),
    "dashscope": Vendor("qwen", env="DASHSCOPE_API_KEY"),
    "ai21_chat": Vendor("ai21"),
    "ollama_chat": Vendor("ollama"),
    "hosted_vllm": Vendor("vllm"),
    "vllm": Vendor("vllm"),
    "groq": Vendor("openai-compatible", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "together_ai": Vendor("openai-compatible", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "fireworks_ai": Vendor("openai-compatible", "https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    "nvidia_nim": Vendor("openai-compatible", "https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "sambanova": Vendor("openai-compatible", "https://api.sambanova.ai/v1", "SAMBANOVA_API_KEY"),
    "moonshot": Vendor("openai-compatible", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "zai": Vendor("openai-compatible", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY"),
    "hyperbolic": Vendor("openai-compatible", "https://api.hyperbolic.xyz/v1", "HYPERBOLIC_API_KEY"),
    "novita": Vendor("openai-compatible", "https://api.novita.ai/v3/openai", "NOVITA_API_KEY"),
}
SERVERS = frozenset({"openai-compatible", "vllm"})
"""Kinds without an address of a vendor."""

# How names begin that LiteLLM knows without a vendor before them.
_BARE = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "text-embedding-": "openai",
    "whisper-": "openai",
    "ft:gpt-": "openai",
    "claude-": "anthropic",
    "command": "cohere",
    "rerank-": "cohere",
    "embed-": "cohere",
    "deepseek-": "deepseek",
}


def vendor_of(model: str, word: str = "") -> tuple[str, str]:
    """``openai/gpt-4o`` → ("openai", "gpt-4o"). ``word``: ``custom_llm_provider``, where the file says it. The first is
    "" where no vendor is said and the name is none that LiteLLM knows."""
    prefix, slash, rest = model.partition("/")
    if word:
        return word, rest if slash and prefix == word else model
    if slash:
        return prefix, rest
    return next((vendor for begins, vendor in _BARE.items() if model.startswith(begins)), ""), model
