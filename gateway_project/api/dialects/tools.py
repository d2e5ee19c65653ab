"""What a chat says of tools and of the form of its answer, inbound: what every vendor would refuse is refused. ◇

Source: OpenAI API reference, chat completions; tools without a type are Gemini's and Anthropic's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway_project.api.dialects.base import missing, wrong_type, wrong_value

MODES = ("none", "auto", "required", "any")  # "any" is Mistral's "required"
# After OpenAI's three those of Perplexity, Fireworks, vLLM and Text Generation Inference.
FORMS = ("text", "json_object", "json_schema", "regex", "grammar", "structural_tag", "json")


def check_tools(body: Mapping[str, Any]) -> None:
    """``tools``, ``tool_choice`` and ``response_format``. Raises ``InvalidRequest`` naming what is wrong."""
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise wrong_type("tools", "an array")
    for index, tool in enumerate(tools or ()):
        _tool(tool, f"tools[{index}]")
    choice = body.get("tool_choice")
    if isinstance(choice, str) and choice not in MODES and choice not in _names(body):
        raise wrong_value("tool_choice", f"one of {', '.join(MODES)}, or the name of one of the tools")
    form = body.get("response_format")
    if form is not None:
        _form(form.get("type"))


def _tool(tool: Any, path: str) -> None:
    if not isinstance(tool, dict) or not tool:
        raise wrong_type(path, "an object with a 'type'")
    kind = tool.get("type")
    if kind is None:
        # Gemini's go by a key of their own, Anthropic's functions have a schema beside their name.
        if "function" in tool or ("name" in tool and "input_schema" not in tool):
            raise missing(f"{path}.type")
        return
    if not isinstance(kind, str):
        raise wrong_type(f"{path}.type", "a string")
    function = tool.get("function")
    if kind == "function" and (not isinstance(function, dict) or not isinstance(function.get("name"), str)):
        raise missing(f"{path}.function.name")


def _names(body: Mapping[str, Any]) -> Iterator[Any]:
    for tool in (*(body.get("tools") or ()), *(body.get("functions") or ())):
        function = tool.get("function")
        yield function.get("name") if isinstance(function, dict) else tool.get("name")


def _form(kind: Any) -> None:
    if kind is None:
        raise missing("response_format.type")
    if not isinstance(kind, str):
        raise wrong_type("response_format.type", "a string")
    if kind not in FORMS:
        raise wrong_value("response_format.type", f"one of {', '.join(FORMS[:3])}")
