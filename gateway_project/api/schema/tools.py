"""Tools, the choice among them, and the form of an answer: what the dialect ``tools`` checks. ◇"""

from __future__ import annotations

from collections.abc import Mapping

from gateway_project.api.dialects.tools import FORMS, MODES
from gateway_project.api.schema.words import (
    Schema,
    array,
    count,
    either,
    maybe,
    one_of,
    record,
    ref,
    switch,
    table,
    text,
)

_FUNCTION = {
    "name": text("What the model calls it by."),
    "description": maybe(text("What it does and when to call it.")),
    "parameters": maybe(ref("JsonSchema", "Its arguments.")),
    "strict": maybe(switch("Whether arguments must follow the schema exactly.")),
}
_CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

COMPONENTS: Mapping[str, Schema] = {
    "Function": {
        **record("A function that the model may call.", _FUNCTION, "name"),
        "examples": [{"name": "weather", "description": "The weather now.", "parameters": _CITY}],
    },
    "Tool": either(
        "A tool: a function, a tool of OpenAI's own kinds, or one of a vendor's.",
        record(
            "A function.",
            {"type": text("Always function.", const="function"), "function": ref("Function")},
            "type function",
        ),
        record(
            "A tool that takes text.",
            {
                "type": text("Always custom.", const="custom"),
                "custom": record(
                    "The tool.", {"name": text(), "description": text(), "format": ref("CustomFormat")}, "name"
                ),
            },
            "type custom",
        ),
        record(
            "A vendor's own tool, such as Anthropic's {type: web_search_20250305, name: web_search}.",
            {"type": text("The vendor's word.", **{"not": {"const": "function"}})},
            "type",
        ),
        {
            **record(
                "Anthropic's form of a function.",
                {
                    "name": text("What the model calls it by."),
                    "description": text("What it does."),
                    "input_schema": ref("JsonSchema", "Its arguments."),
                },
                "name input_schema",
            ),
            "not": {"required": ["type"]},
        },
        {
            "description": "A tool of Gemini's, by its own key, such as {googleSearch: {}}.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": table("Its settings.", ref("JsonValue")),
            "not": {"anyOf": [{"required": [key]} for key in ("type", "function", "name")]},
        },
    ),
    "CustomFormat": record(
        "The form of a custom tool's input.",
        {
            "type": one_of("Free text, or what a grammar allows.", "text", "grammar"),
            "grammar": record(
                "The grammar.", {"syntax": one_of("", "lark", "regex"), "definition": text()}, "syntax definition"
            ),
        },
        "type",
    ),
    "ToolChoice": either(
        "Whether and which tool is called: a word, the name of one of the tools, or a tool named in OpenAI's or "
        "Anthropic's way.",
        one_of("any is Mistral's and Anthropic's word for required.", *MODES),
        record(
            "One tool.",
            {
                "type": text("function, custom, allowed_tools; or Anthropic's tool, auto, any, none."),
                "function": record("The function.", {"name": text("Its name.")}, "name"),
                "custom": record("The custom tool.", {"name": text("Its name.")}, "name"),
                "allowed_tools": record(
                    "Several tools.",
                    {"mode": one_of("", "auto", "required"), "tools": array(table("A tool.", ref("JsonValue")))},
                    "mode tools",
                ),
                "name": text("Anthropic's tool by its name."),
                "disable_parallel_tool_use": switch("Anthropic's word against parallel_tool_calls."),
            },
            "type",
        ),
        text("The name of one of the tools."),
    ),
    "FunctionChoice": either(
        "Older form of tool_choice.",
        text("none, auto, or the name of a function."),
        record("One function.", {"name": text("Its name.")}, "name"),
    ),
    "ResponseFormat": record(
        "The form of the answer.",
        {
            "type": one_of(
                "text; json_object: any JSON object; json_schema: JSON that follows a schema. regex, grammar, "
                "structural_tag and json are words of Perplexity, Fireworks, vLLM and Text Generation Inference.",
                *FORMS,
            ),
            "json_schema": maybe(
                record(
                    "With json_schema.",
                    {
                        "name": text("A name for the schema; made up where it is missing."),
                        "description": maybe(text("What the answer is for.")),
                        "schema": ref("JsonSchema"),
                        "strict": maybe(switch("Whether the answer must follow the schema exactly.")),
                    },
                )
            ),
            "regex": maybe(either("With regex.", text(), table("Perplexity's.", ref("JsonValue")))),
            "grammar": maybe(text("With grammar.")),
            "value": maybe(ref("JsonSchema", "With json.")),
        },
        "type",
    ),
    "ToolCall": either(
        "A call that the model makes of a tool.",
        record(
            "Of a function.",
            {
                "id": text("What the result refers to as tool_call_id."),
                "type": text("Always function.", const="function"),
                "function": ref("CalledFunction"),
            },
            "function",
        ),
        record(
            "Of a custom tool.",
            {
                "id": text("What the result refers to as tool_call_id."),
                "type": text("Always custom.", const="custom"),
                "custom": record("The call.", {"name": text(), "input": text()}, "name input"),
            },
            "type custom",
        ),
    ),
    "CalledFunction": record(
        "The function and what it is called with.",
        {"name": text("Its name."), "arguments": text("Its arguments as JSON text, which may be invalid.")},
        "name",
    ),
    "ToolCallDelta": record(
        "A piece of a tool call. The first piece of a call has its id, type and name.",
        {
            "index": count("Which of the answer's calls it belongs to."),
            "id": text("Once, first."),
            "type": text("Once, first."),
            "function": record(
                "The function.", {"name": text("Once, first."), "arguments": text("The next piece of the arguments.")}
            ),
            "custom": record("The custom tool.", {"name": text(), "input": text()}),
        },
        "index",
    ),
}
