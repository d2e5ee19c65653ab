"""The messages of a request, and the parts of their content: what the dialect ``messages`` checks. ◇"""

from __future__ import annotations

from collections.abc import Mapping

from gateway_project.api.dialects.messages import PARTS
from gateway_project.api.schema.words import (
    Schema,
    array,
    either,
    maybe,
    nullable,
    one_of,
    record,
    ref,
    switch,
    table,
    text,
)

_NAMED = {"text", "image_url", "input_audio", "file", "refusal", "thinking", "document_url"}
_PICTURE = text(
    "An http or https address, a data URL in base64, or a place in Google's or Alibaba's store.",
    pattern=r"^([hH][tT][tT][pP][sS]?://[^/\s]|[dD][aA][tT][aA]:|[gG][sS]://|[oO][sS][sS]://)",
)
_CACHED = {"cache_control": maybe(ref("CacheControl", "Anthropic: remember the prompt up to here."))}
_SPEAKER = {"name": maybe(text("Who speaks, where several do."))}


def _part(kind: str, about: str, needs: str, **properties: Schema) -> Schema:
    told = {"type": text(f"Always {kind}.", const=kind), **properties, **_CACHED}
    return record(about, told, f"type {needs}")


def _message(role: str, about: str, content: Schema, more: Mapping[str, Schema], needs: str = "") -> Schema:
    told = {"role": text(f"Always {role}.", const=role), "content": content, **more}
    return record(about, told, f"role {needs}")


def _content(about: str) -> Schema:
    return either(about, text(), array(ref("ContentPart")))


_INSTRUCTIONS = "Instructions to the model."
_ANSWERED = {
    "refusal": text("Why it refused."),
    "tool_calls": array(ref("ToolCall"), "The calls it made of tools."),
    "function_call": ref("CalledFunction", "Older form of tool_calls."),
    "audio": record("Speech it answered with.", {"id": text("As the answer named it.")}, "id"),
    "reasoning_content": text("What it thought, as the answer told it."),
    "reasoning": text("The same under its other name."),
    "reasoning_details": array(
        ref("ReasoningDetail"), "What it thought, in the vendor's form; vendors that sign thoughts need them back."
    ),
    "thinking_blocks": array(ref("ReasoningDetail"), "LiteLLM's word for the same."),
    "prefix": switch("Mistral's and DeepSeek's: this is the beginning of the answer."),
}

COMPONENTS: Mapping[str, Schema] = {
    "Message": either(
        "One turn of the conversation, by its role.",
        _message("system", _INSTRUCTIONS, _content("The instructions."), _SPEAKER, "content"),
        _message("developer", "OpenAI's newer word for system.", _content("The instructions."), _SPEAKER, "content"),
        _message("user", "What the user says or shows.", _content("Text, or parts."), _SPEAKER, "content"),
        _message(
            "assistant",
            "What the model answered.",
            maybe(_content("Its text; may be missing beside tool calls.")),
            {**_SPEAKER, **nullable(_ANSWERED)},
        ),
        _message(
            "tool",
            "What a tool returned.",
            _content("The result."),
            {
                "tool_call_id": text("The id of the call that it answers."),
                **_SPEAKER,
                "is_error": maybe(switch("Anthropic's: whether the tool failed.")),
            },
            "content tool_call_id",
        ),
        _message(
            "function",
            "Older form of tool.",
            maybe(_content("The result.")),
            {"name": text("The name of the function.")},
            "name",
        ),
    ),
    "ContentPart": either(
        "A piece of a message, by its type.",
        _part("text", "Text.", "text", text=text("The text.")),
        _part(
            "image_url",
            "A picture.",
            "image_url",
            image_url=either(
                "The picture; the address alone is Mistral's form.",
                record(
                    "The picture.", {"url": _PICTURE, "detail": text("How closely to look: auto, low or high.")}, "url"
                ),
                _PICTURE,
            ),
        ),
        _part(
            "input_audio",
            "Sound.",
            "input_audio",
            input_audio=either(
                "The sound; base64 alone is Mistral's form.",
                record("The sound.", {"data": text("In base64."), "format": text("wav, mp3, …")}, "data"),
                text("In base64."),
            ),
        ),
        _part(
            "file",
            "A document.",
            "file",
            file=record(
                "One of the three.",
                {
                    "file_data": text("A data URL in base64."),
                    "file_id": text("Of a file the vendor keeps."),
                    "filename": text("Its name."),
                },
            ),
        ),
        _part("refusal", "A refusal in an earlier answer.", "", refusal=text("Its text.")),
        _part(
            "thinking",
            "Thoughts in an earlier answer.",
            "",
            thinking=either("Anthropic's text, or Mistral's parts.", text(), array(ref("ContentPart"))),
            signature=text("Anthropic's, unchanged."),
        ),
        _part(
            "document_url",
            "A document by its address, as Mistral takes it.",
            "",
            document_url=text("The address."),
            document_name=text("Its name."),
        ),
        record(
            "A piece that one vendor or another takes, in the vendor's own words.",
            {
                "type": either(
                    "The vendor's word.",
                    one_of("", *sorted(PARTS - _NAMED)),
                    text("Anthropic's.", pattern="(tool_use|tool_result)$"),
                ),
                "text": text("Its text, where it has one."),
                **_CACHED,
            },
            "type",
        ),
    ),
    "ReasoningDetail": {
        **record(
            "A piece of thinking in the vendor's form. Send it back unchanged with the message it came with.",
            {
                "type": text("reasoning.text, reasoning.encrypted, reasoning.summary, …"),
                "text": maybe(text("The thought.")),
                "summary": maybe(text("What it came to.")),
                "data": maybe(text("The thought, encrypted.")),
                "signature": maybe(text("The vendor's signature.")),
                "id": maybe(text("The vendor's id.")),
                "format": maybe(text("Whose form it is.")),
                "index": {"type": ["integer", "null"], "description": "Its place among the pieces."},
            },
        ),
        "additionalProperties": ref("JsonValue"),
    },
    "CacheControl": record(
        "A breakpoint of Anthropic's prompt cache.",
        {"type": text("Always ephemeral.", const="ephemeral"), "ttl": one_of("How long it is kept.", "5m", "1h")},
        "type",
    ),
    "Metadata": table("Up to 16 words of your own, kept by the vendor.", text()),
}
