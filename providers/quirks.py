"""What OpenAI-compatible vendors take differently from OpenAI, as table rows by kind. ◇

A row says only what is known of a vendor (its documentation, its recorded traffic, or what other gateways found); where
nothing is known, the request goes out as the caller wrote it. ``adapters/openai_request.py`` applies the rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.ids import FORTY, NINE, SIXTY_FOUR, IdRule

REASONING = ("reasoning_content", "reasoning", "reasoning_details")
COMPLETION_TOKENS = {"max_tokens": "max_completion_tokens"}
MAX_TOKENS = {"max_completion_tokens": "max_tokens"}
SAMPLING = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"})
OPENAI_ONLY = frozenset(
    {"logit_bias", "store", "metadata", "prediction", "modalities", "audio", "service_tier", "verbosity"}
    | {"safety_identifier", "prompt_cache_key", "prompt_cache_retention"}
)

MISTRAL_TAKES = frozenset(
    {"messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata", "response_format"}
    | {"tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction", "parallel_tool_calls"}
    | {"reasoning_effort", "prompt_mode", "guardrails", "prompt_cache_key", "service_tier", "safe_prompt"}
    | {"min_tokens", "repetition_penalty", "top_k", "logprobs", "top_logprobs"}
)
AI21_TAKES = frozenset(
    {"messages", "tools", "tool_choice", "response_format", "documents", "max_tokens", "temperature", "top_p", "stop"}
    | {"n", "stream", "seed", "user"}
)
# Hybrid models think only where told to; the budget is in tokens, and without one they think as long as they want.
QWEN_EFFORTS: Mapping[str, Mapping[str, object]] = {
    "none": {"enable_thinking": False},
    **{key: {"enable_thinking": True, "thinking_budget": 1024} for key in ("minimal", "low")},
    "medium": {"enable_thinking": True, "thinking_budget": 8192},
    **{key: {"enable_thinking": True} for key in ("high", "xhigh", "max")},
}
OLLAMA_TAKES = frozenset(
    {"messages", "max_tokens", "seed", "stop", "temperature", "frequency_penalty", "presence_penalty", "top_p"}
    | {"response_format", "tools", "reasoning", "reasoning_effort", "logprobs", "top_logprobs"}
)


@dataclass(frozen=True, slots=True)
class Quirks:
    """One row.

    ``rename``: caller's parameter → the vendor's. ``allow``: the only parameters taken (None: all). ``drop``: those not
    taken; ``drop_for``: those that models of a name do not take. ``clamp``: bounds of numbers; ``words``: the only
    words of a parameter, and the vendor's for them. ``efforts``: words of ``reasoning_effort`` → the vendor's;
    ``effort_as``: words → the parameters that say them instead. ``force_whole``: sent to models of a name where the
    caller says nothing, when not streaming. ``drop_thinking``: as ``drop_for``, where an effort but "none" is asked
    for. ``stream_usage``: ``stream_options`` is taken; ``obfuscation``: it can turn padding off. ``auto_tools``: the
    default of ``tool_choice`` is not "auto". ``tool_modes``: words of ``tool_choice`` taken, others become "auto".

    Messages. ``roles``: renamed roles. ``reasoning``: fields of earlier turns' reasoning that are taken.
    ``message_keys``: the only keys taken (None: all). ``ids``: what tool calls' ids must look like (None: anything).
    ``names``: roles that may have a ``name`` (None: all). ``text_results``: tool results must be text. ``alternate``:
    user and assistant must take turns. ``strip_tools``: keys of functions not taken. ``flat_parts``: sound is bare
    base64, files are ids or documents' addresses. ``inline_pictures``: pictures by web address are not fetched.
    ``lost_reasoning``: models that refuse tool calls without the reasoning before them while they think, which they do
    unless told not to. ``functions``: the form of tools before there were tools is taken. ``prefill``: a last message
    of the assistant's is continued: "plain" as it is, "prefix" if the message says so, "template" if the body does.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    allow: frozenset[str] | None = None
    drop: frozenset[str] = frozenset()
    drop_for: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = ()
    clamp: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    efforts: Mapping[str, str] = field(default_factory=dict)
    effort_as: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    drop_thinking: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = ()
    force_whole: tuple[tuple[re.Pattern[str], Mapping[str, object]], ...] = ()
    stream_usage: bool = True
    obfuscation: bool = False
    auto_tools: bool = False
    tool_modes: frozenset[str] | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    reasoning: tuple[str, ...] = ()
    message_keys: frozenset[str] | None = None
    ids: IdRule | None = None
    names: frozenset[str] | None = None
    text_results: bool = False
    alternate: bool = False
    strip_tools: frozenset[str] = frozenset()
    flat_parts: bool = False
    inline_pictures: bool = False
    lost_reasoning: re.Pattern[str] | None = None
    functions: bool = False
    prefill: str = ""


DEFAULT = Quirks(reasoning=REASONING, functions=True)
DEVELOPER_IS_SYSTEM = {"developer": "system"}

QUIRKS: dict[str, Quirks] = {
    # o-series and the first gpt-5 refuse sampling parameters, later ones while they think; from o3 on reasoning models
    # refuse stop sequences. All chat models take max_completion_tokens.
    "openai": Quirks(
        functions=True,
        ids=FORTY,
        rename=COMPLETION_TOKENS,
        drop_for=(
            (re.compile(r"^o\d"), SAMPLING | {"logit_bias"}),
            (re.compile(r"^o[3-9]"), frozenset({"stop"})),
            (re.compile(r"^gpt-5(-mini|-nano|-pro)?(-\d{4}-\d\d-\d\d)?$"), SAMPLING | {"logit_bias", "stop"}),
            (re.compile(r"^gpt-5\.\d(?!.*chat)"), frozenset({"stop", "presence_penalty", "frequency_penalty"})),
        ),
        drop_thinking=((re.compile(r"^gpt-5\.\d(?!.*chat)"), SAMPLING | {"logit_bias"}),),
        obfuscation=True,
    ),
    # Unknown fields are a 422.
    "mistral": Quirks(
        rename={"seed": "random_seed", **MAX_TOKENS},
        allow=MISTRAL_TAKES,
        clamp={"temperature": (0.0, 1.5)},
        words={"service_tier": {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}},
        stream_usage=False,
        roles=DEVELOPER_IS_SYSTEM,
        message_keys=frozenset({"role", "content", "tool_calls", "tool_call_id", "name", "prefix"}),
        ids=NINE,
        prefill="prefix",
        names=frozenset({"tool"}),
        strip_tools=frozenset({"strict", "$schema", "$id"}),
        flat_parts=True,
    ),
    "deepseek": Quirks(
        lost_reasoning=re.compile(r"^(?!deepseek-chat)"),
        ids=FORTY,
        rename=MAX_TOKENS,
        efforts={"minimal": "low", "medium": "high", "xhigh": "high", "ultra": "max"},
        effort_as={"none": {"thinking": {"type": "disabled"}}},
        roles=DEVELOPER_IS_SYSTEM,
        reasoning=("reasoning_content",),
    ),
    "xai": Quirks(
        ids=FORTY,
        drop=frozenset({"web_search_options", "search_parameters"}),
        drop_for=(
            (
                re.compile(r"^grok-(3-mini|4|code-fast)(?!.*non-reasoning)"),
                frozenset({"stop", "presence_penalty", "frequency_penalty"}),
            ),
            (re.compile(r"^grok-4(-0709|-latest)?$"), frozenset({"reasoning_effort"})),
        ),
        reasoning=("reasoning_content",),
        names=frozenset(),
        strip_tools=frozenset({"strict"}),
    ),
    # Open-weight hybrid models refuse whole answers with thinking on.
    "qwen": Quirks(
        ids=FORTY,
        rename=MAX_TOKENS,
        effort_as=QWEN_EFFORTS,
        force_whole=((re.compile(r"^qwen3-[\d.]+b(-a[\d.]+b)?$"), {"enable_thinking": False}),),
        roles=DEVELOPER_IS_SYSTEM,
        reasoning=("reasoning_content",),
    ),
    "ai21": Quirks(
        ids=SIXTY_FOUR,
        rename=MAX_TOKENS,
        allow=AI21_TAKES,
        stream_usage=False,
        roles=DEVELOPER_IS_SYSTEM,
    ),
    "perplexity": Quirks(
        ids=SIXTY_FOUR,
        rename=MAX_TOKENS,
        drop=OPENAI_ONLY
        | {"tools", "tool_choice", "parallel_tool_calls", "n", "stop", "seed", "logprobs", "top_logprobs", "user"},
        clamp={"temperature": (0.0, 1.99)},
        stream_usage=False,
        roles=DEVELOPER_IS_SYSTEM,
        alternate=True,
    ),
    "deepinfra": Quirks(
        ids=SIXTY_FOUR,
        rename=MAX_TOKENS,
        tool_modes=frozenset({"auto", "none"}),
        reasoning=("reasoning_content",),
        text_results=True,
    ),
    "openrouter": Quirks(ids=FORTY, efforts={"max": "xhigh"}, reasoning=REASONING, prefill="plain"),
    # What /v1 does not know, it ignores without a word.
    "ollama": Quirks(
        ids=SIXTY_FOUR,
        rename=MAX_TOKENS,
        allow=OLLAMA_TAKES,
        roles=DEVELOPER_IS_SYSTEM,
        reasoning=("reasoning",),
        inline_pictures=True,
    ),
    "cerebras": Quirks(
        ids=FORTY,
        rename=COMPLETION_TOKENS,
        drop=frozenset({"frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier"}),
        reasoning=("reasoning",),
    ),
    "ovhcloud": Quirks(ids=SIXTY_FOUR, reasoning=("reasoning_content", "reasoning")),
    "vllm": Quirks(ids=SIXTY_FOUR, auto_tools=True, reasoning=("reasoning_content", "reasoning"), prefill="template"),
    "albert": Quirks(ids=SIXTY_FOUR, auto_tools=True, reasoning=("reasoning_content", "reasoning")),
}


# Operations other than chat, by kind ("": any other) and operation.
OTHERS: dict[tuple[str, str], Quirks] = {
    ("openai", "completions"): Quirks(obfuscation=True),
    # Fill in the middle: its answers are chat's.
    ("mistral", "completions"): Quirks(
        rename={"seed": "random_seed"},
        allow=frozenset(
            {"prompt", "suffix", "temperature", "top_p", "max_tokens", "min_tokens", "stop", "random_seed"}
        ),
        stream_usage=False,
    ),
    ("", "transcription"): Quirks(stream_usage=False),
    ("mistral", "transcription"): Quirks(
        rename={"timestamp_granularities[]": "timestamp_granularities", "context_bias[]": "context_bias"},
        allow=frozenset({"language", "temperature", "timestamp_granularities", "diarize", "context_bias"}),
        stream_usage=False,
    ),
}


def quirks_of(kind: str, operation: str = "chat") -> Quirks:
    """The row of a kind; a server of which nothing is known takes everything as the caller wrote it."""
    if operation == "chat":
        return QUIRKS.get(kind, DEFAULT)
    return OTHERS.get((kind, operation)) or OTHERS.get(("", operation), DEFAULT)
