"""What some vendors understand beside the usual parameters of a chat; to the others it is not sent (see
``x-gateway-dropped-params``). ◇"""

from __future__ import annotations

from collections.abc import Mapping

from gateway_project.api.schema.words import (
    Schema,
    array,
    either,
    number,
    one_of,
    record,
    ref,
    switch,
    table,
    text,
    whole,
)

_OPENAI: Mapping[str, Schema] = {
    "modalities": array(text("text or audio; Gemini's image."), "In which ways the model may answer."),
    "moderation": ref("JsonValue", "OpenAI: what is to be done about unsafe content."),
    "prediction": record(
        "Most of the answer, where it is known already.",
        {"type": text("Always content."), "content": either("", text(), array(ref("ContentPart")))},
        "type content",
    ),
    "prompt_cache_key": text("Requests of one key find the same cache; also what keeps a conversation together here."),
    "prompt_cache_options": ref("JsonValue", "OpenAI: how prompts are cached."),
    "prompt_cache_retention": text("How long prompts are cached: in_memory or 24h."),
    "safety_identifier": text("A hashed name of the end user, for the vendor."),
    "verbosity": text("How long the answer is to be: low, medium or high."),
    "web_search_options": record(
        "Let the model search the web; said to Anthropic as its own tool.",
        {
            "search_context_size": one_of("How much is read.", "low", "medium", "high"),
            "user_location": record(
                "Where the user is.",
                {
                    "type": text("Always approximate."),
                    "approximate": record(
                        "About there.",
                        {"city": text(), "country": text(), "region": text(), "timezone": text()},
                    ),
                },
            ),
        },
    ),
}

_THINKING: Mapping[str, Schema] = {
    "thinking": either(
        "Anthropic, DeepSeek, Cohere, Gemini: whether and how long to think, where reasoning_effort is too coarse.",
        record(
            "",
            {
                "type": text("enabled, disabled or adaptive."),
                "budget_tokens": whole("Tokens to think at most."),
                "token_budget": whole("Cohere's word for it."),
            },
        ),
        switch(),
        text(),
    ),
    "reasoning": either(
        "OpenRouter, Gemini, Ollama: the same in OpenRouter's form.",
        record(
            "",
            {
                "effort": text("As reasoning_effort."),
                "max_tokens": whole("Tokens to think at most."),
                "exclude": switch("Think in silence."),
                "enabled": switch("Whether to think."),
            },
        ),
        text(),
    ),
    "enable_thinking": switch("Qwen: whether to think."),
    "thinking_budget": whole("Qwen: tokens to think at most."),
    "think": either("Ollama: whether, or how much, to think.", switch(), text("low, medium or high.")),
    "prompt_mode": text("Mistral: reasoning, for its prompt that makes models think."),
}

_SAMPLING: Mapping[str, Schema] = {
    "top_k": whole("Choose among the k likeliest tokens. Anthropic, Gemini, Cohere, Mistral, Ollama, vLLM."),
    "k": whole("Cohere's word for top_k."),
    "p": number("Cohere's word for top_p."),
    "min_p": number("Ollama, vLLM: tokens less likely than this share of the likeliest are left out."),
    "min_tokens": whole("Mistral, vLLM: the least length of the answer."),
    "random_seed": whole("Mistral's word for seed."),
    "repetition_penalty": number("vLLM, Qwen, Mistral; Ollama's repeat_penalty."),
    "stop_sequences": array(text(), "Cohere's word for stop."),
}

_OLLAMA: Mapping[str, Schema] = {
    "options": table("Ollama's options, as they are; they win over what is said elsewhere.", ref("JsonValue")),
    "format": ref("JsonValue", "Ollama: json, or the schema of the answer."),
    "keep_alive": either("Ollama: how long the model stays in memory.", text(), number()),
    "truncate": switch("Ollama: shorten a conversation that is too long."),
    "shift": switch("Ollama: forget its beginning while answering."),
    **{
        name: whole(f"Ollama: its option {name}.")
        for name in ("repeat_last_n", "mirostat", "num_predict", "draft_num_predict", "num_ctx", "num_keep",
                     "num_batch", "num_gpu", "main_gpu", "num_thread")
    },
    **{
        name: number(f"Ollama: its option {name}.")
        for name in ("typical_p", "tfs_z", "repeat_penalty", "mirostat_tau", "mirostat_eta")
    },
    **{name: switch(f"Ollama: its option {name}.") for name in ("penalize_newline", "use_mmap")},
}  # fmt: skip

_OTHERS: Mapping[str, Schema] = {
    "documents": array(either("", text(), ref("JsonValue")), "Cohere, AI21: texts to answer from."),
    "citation_options": ref("JsonValue", "Cohere: how answers name their sources."),
    "safety_mode": text("Cohere: CONTEXTUAL, STRICT or OFF."),
    "priority": whole("Cohere: lower ones go first when it is busy."),
    "strict_tools": switch("Cohere: hold tool calls to their schemas."),
    "guardrails": array(ref("JsonValue"), "Mistral: its guardrails."),
    "safe_prompt": switch("Mistral: put its safety instructions before the conversation."),
    "search_parameters": ref("JsonValue", "xAI: live search."),
    "safety_settings": array(ref("JsonValue"), "Gemini: what is blocked."),
    "safetySettings": array(ref("JsonValue"), "Gemini's own spelling of safety_settings."),
    "cached_content": text("Gemini: the name of a cached prompt."),
    "cachedContent": text("Gemini's own spelling of cached_content."),
    "labels": table("Gemini: labels for its bill.", text()),
    "output_config": ref("JsonValue", "Anthropic: effort and form of the answer."),
    "cache_control": ref("CacheControl", "Anthropic: cache the prompt."),
    "container": ref("JsonValue", "Anthropic: the container of its code tool."),
    "context_management": ref("JsonValue", "Anthropic: what is forgotten of long conversations."),
    "mcp_servers": array(ref("JsonValue"), "Anthropic: servers of tools that it calls itself."),
    "inference_geo": text("Anthropic: where the model runs."),
    "speed": text("Anthropic: fast, where it is offered."),
}

CHAT: Mapping[str, Schema] = {**_OPENAI, **_THINKING, **_SAMPLING, **_OLLAMA, **_OTHERS}
