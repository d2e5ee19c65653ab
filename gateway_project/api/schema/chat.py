"""Chat completions: the request, the answer, and the events of a stream. ◇"""

from __future__ import annotations

from collections.abc import Mapping

from gateway_project.api.dialects import openai
from gateway_project.api.schema import routing, vendors
from gateway_project.api.schema.words import (
    Schema,
    array,
    checked,
    count,
    either,
    maybe,
    nullable,
    number,
    one_of,
    record,
    ref,
    request,
    switch,
    table,
    text,
    whole,
)
from providers.chat import SERVICE_TIERS

FINISHES = ("stop", "length", "tool_calls", "content_filter", "function_call")

PARAMETERS: Mapping[str, str | Schema] = {
    "audio": record(
        "Speech to answer with.",
        {
            "voice": either("A voice.", text(), record("Of your own.", {"id": text()}, "id")),
            "format": text("wav, mp3, …"),
        },
    ),
    "frequency_penalty": "From -2 to 2: less of what was said often.",
    "function_call": ref("FunctionChoice"),
    "functions": array(ref("Function"), "Older form of tools; answered in the same form, at any vendor."),
    "logit_bias": table("Token ids and how much likelier they are made, from -100 to 100.", number()),
    "logprobs": "Tell how likely each token was.",
    "max_completion_tokens": "The greatest length of the answer in tokens, thinking included.",
    "max_tokens": "Older word for max_completion_tokens.",
    "metadata": ref("Metadata"),
    "n": "How many answers.",
    "parallel_tool_calls": "Whether several tools may be called at once.",
    "presence_penalty": "From -2 to 2: less of what was said at all.",
    "reasoning_effort": "How much to think: none, minimal, low, medium, high, xhigh, max; auto means not given. Each "
    "vendor is told in its own way.",
    "response_format": ref("ResponseFormat"),
    "seed": "The same seed makes similar answers.",
    "service_tier": "The vendor's class of service: auto, default, flex, priority, …",
    "stop": "Texts that end the answer.",
    "store": "Whether the vendor may keep the answer.",
    "stream": "Answer as a stream of events.",
    "stream_options": ref("StreamOptions"),
    "system_message": "Instructions that stand before the messages.",
    "temperature": "From 0 (the same answers) to 2 (wild ones).",
    "tool_choice": ref("ToolChoice"),
    "top_logprobs": "With logprobs: how many of the likeliest tokens are told.",
    "top_p": "Choose among the likeliest tokens that make up this share.",
    "user": "The end user's name, for the vendor.",
}

_HEAD = {
    "id": text("The answer's id."),
    "created": count("Unix seconds."),
    "model": text("The model that answered, as its vendor names it."),
    "system_fingerprint": maybe(text("The vendor's configuration.")),
    "service_tier": maybe(one_of("The class of service.", *sorted(SERVICE_TIERS))),
}
_SAID = {
    "content": maybe(text("The text.")),
    "refusal": maybe(text("Why the model refused.")),
    "reasoning_content": text("What it thought."),
    "reasoning": text("The same under its other name."),
    "reasoning_details": array(ref("ReasoningDetail"), "The same in the vendor's form, to be sent back unchanged."),
    "function_call": ref("CalledFunction", "Older form of tool_calls, for requests with functions."),
    "annotations": array(ref("Annotation"), "Sources of the text."),
    "citations": array(ref("JsonValue"), "The vendor's own citations."),
    "audio": record(
        "Speech.",
        {"id": text(), "data": text("In base64."), "transcript": text(), "expires_at": whole("Unix seconds.")},
    ),
    "images": array(ref("JsonValue"), "Pictures that the model made."),
}

COMPONENTS: Mapping[str, Schema] = {
    "ChatCompletionRequest": request(
        "A chat. `model` or `models` must be given. Parameters that a vendor has no word for are left out and named in "
        "x-gateway-dropped-params.",
        {
            **routing.ADDRESS,
            "messages": array(ref("Message"), "The conversation so far.", minItems=1),
            **checked(openai.PARAMETERS, PARAMETERS),
            "tools": array(ref("Tool"), "What the model may call."),
            **vendors.CHAT,
        },
        "messages",
    ),
    "StreamOptions": {
        **record(
            "Only with stream.",
            {
                "include_usage": maybe(switch("A last chunk without choices tells the usage.")),
                "include_obfuscation": maybe(switch("OpenAI's padding; it is not passed on.")),
            },
        )
    },
    "ChatCompletion": record(
        "A whole answer. Vendors' own fields stand beside these.",
        {
            **_HEAD,
            "object": text("Always chat.completion.", const="chat.completion"),
            "choices": array(ref("ChatChoice"), "The answers.", minItems=1),
            "usage": ref("Usage"),
            "citations": array(ref("JsonValue"), "Addresses that Perplexity found."),
            "search_results": array(ref("JsonValue"), "What Perplexity found."),
        },
        "id object created model choices",
    ),
    "ChatChoice": record(
        "One answer.",
        {
            "index": count("Its place."),
            "message": record(
                "What the model says.",
                {
                    "role": text("Always assistant.", const="assistant"),
                    **_SAID,
                    "tool_calls": array(ref("ToolCall"), "The calls it makes of tools."),
                },
                "role content refusal",
            ),
            "finish_reason": one_of("Why it ended.", *FINISHES),
            "logprobs": maybe(ref("ChatLogprobs")),
        },
        "index message finish_reason logprobs",
    ),
    "ChatLogprobs": record(
        "How likely the tokens were.",
        {"content": maybe(array(ref("TokenChance"))), "refusal": maybe(array(ref("TokenChance")))},
    ),
    "TokenChance": record(
        "A token.",
        {
            "token": text("The token."),
            "logprob": number("The logarithm of its probability."),
            "bytes": maybe(array(whole(), "Its bytes in UTF-8.")),
            "top_logprobs": array(
                record(
                    "A token that was likely there.",
                    {"token": text(), "logprob": number(), "bytes": maybe(array(whole()))},
                    "token logprob",
                ),
                "The likeliest at its place.",
            ),
        },
        "token logprob top_logprobs",
    ),
    "Annotation": record(
        "Where a piece of the text comes from.",
        {
            "type": text("url_citation, or the vendor's."),
            "url_citation": record(
                "A web page.",
                {
                    "url": text(),
                    "title": text(),
                    "start_index": count("First letter."),
                    "end_index": count("Past the last."),
                },
                "url title start_index end_index",
            ),
        },
        "type",
    ),
    "Usage": record(
        "Tokens. The total is the sum of the two.",
        {
            "prompt_tokens": count("Read."),
            "completion_tokens": count("Written, thinking included."),
            "total_tokens": count("Both."),
            "prompt_tokens_details": record(
                "Of those read.",
                {
                    "cached_tokens": count("From a cache."),
                    "cache_write_tokens": count("Written to a cache."),
                    "audio_tokens": count("Sound."),
                },
            ),
            "completion_tokens_details": record(
                "Of those written.",
                {
                    "reasoning_tokens": count("Thinking."),
                    "audio_tokens": count("Sound."),
                    "accepted_prediction_tokens": count("Predicted rightly."),
                    "rejected_prediction_tokens": count("Predicted wrongly."),
                },
            ),
        },
        "prompt_tokens completion_tokens total_tokens",
    ),
    "ChatCompletionChunk": record(
        "One event of a stream.",
        {
            **_HEAD,
            "object": text("Always chat.completion.chunk.", const="chat.completion.chunk"),
            "choices": array(ref("ChatChunkChoice"), "None in the chunk that tells the usage."),
            "usage": maybe(ref("Usage", "In the last chunk, for requests with include_usage; null in the others.")),
        },
        "id object created model choices",
    ),
    "ChatChunkChoice": record(
        "A piece of one answer.",
        {
            "index": count("The answer's place."),
            "delta": record(
                "What is added.",
                {
                    "role": text("In the first piece.", const="assistant"),
                    **nullable({name: schema for name, schema in _SAID.items() if name not in ("content", "refusal")}),
                    "content": _SAID["content"],
                    "refusal": _SAID["refusal"],
                    "tool_calls": array(ref("ToolCallDelta"), "Pieces of calls."),
                },
            ),
            "finish_reason": maybe(one_of("In the last piece: why it ended.", *FINISHES)),
            "logprobs": maybe(ref("ChatLogprobs")),
        },
        "index delta finish_reason",
    ),
}
