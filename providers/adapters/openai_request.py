"""A request in the inner form → what one OpenAI-compatible vendor takes, by its row in ``providers.quirks``. ◇

Nothing given is changed in place. What cannot be said is dropped and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.adapters.openai_messages import render_messages
from providers.chat import Call
from providers.quirks import Quirks, quirks_of
from providers.wire import Target

# A parameter that says what would be so without it can go unnamed.
NEUTRAL: Mapping[str, Any] = {
    "n": 1,
    "best_of": 1,
    "echo": False,
    "store": False,
    "logprobs": False,
    "top_logprobs": 0,
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "tool_choice": "auto",
    "service_tier": "auto",
    "modalities": ["text"],
    "logit_bias": {},
    "metadata": {},
    "tools": [],
}
LENGTHS = ("max_tokens", "max_completion_tokens")
MODES = frozenset({"auto", "none", "required"})


def render_body(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out or bent."""
    quirks = quirks_of(target.kind, call.operation)
    extra = {key: value for key, value in target.extra_body.items() if key not in call.body}
    given = {key: value for key, value in call.body.items() if value is not None}
    given.pop("stream", None)
    given.pop("stream_options", None)
    dropped: list[str] = []
    if "max_completion_tokens" in given and not quirks.rename.keys().isdisjoint(LENGTHS):
        two_lengths(given, dropped)
        given.pop("max_tokens", None)
    body = _parameters(given, quirks, target.upstream_model, dropped)
    _effort(body, {} if call.stream else _forced(quirks, target.upstream_model), quirks, dropped)
    _tools(body, quirks, dropped)
    messages = given.get("messages")
    body = {"model": target.upstream_model, **body}
    if call.operation == "chat" and isinstance(messages, list):
        if not _thinks({**extra, **body}, quirks, target.upstream_model):
            quirks = replace(quirks, lost_reasoning=None)
        body["messages"] = render_messages(messages, quirks, dropped)
        if call.continues:
            _continue(body, quirks)
    _mode(body, call, quirks, target.upstream_model)
    body.update(extra)
    return {key: value for key, value in body.items() if value is not None}, tuple(dropped)


def _thinks(body: Mapping[str, Any], quirks: Quirks, model: str) -> bool:
    """Whether the model thinks: as it is told in DeepSeek's words, else as models of its name do."""
    said = body.get("thinking")
    if isinstance(said, dict):
        return said.get("type") == "enabled"
    return quirks.lost_reasoning is not None and quirks.lost_reasoning.search(model) is not None


def _parameters(given: Mapping[str, Any], quirks: Quirks, model: str, dropped: list[str]) -> dict[str, Any]:
    thinks = given.get("reasoning_effort") not in (None, "none", "auto")
    rows = (*quirks.drop_for, *(quirks.drop_thinking if thinks else ()))
    drop = quirks.drop.union(*(names for pattern, names in rows if pattern.search(model)))
    body: dict[str, Any] = {}
    for name, value in given.items():
        new = quirks.rename.get(name, name)
        if new != name and new in given:
            continue
        if new in drop or (quirks.allow is not None and new not in quirks.allow and new != "model"):
            if name not in NEUTRAL or value != NEUTRAL[name]:
                dropped.append(name)
            continue
        bounds = quirks.clamp.get(new)
        if bounds is not None and isinstance(value, (int, float)) and not bounds[0] <= value <= bounds[1]:
            dropped.append(name)
            value = min(max(value, bounds[0]), bounds[1])
        words = quirks.words.get(new)
        if words is not None and not (isinstance(value, str) and value in words):
            dropped.append(name)
            continue
        body[new] = value if words is None else words[value]
    body.pop("model", None)
    return body


def _continue(body: dict[str, Any], quirks: Quirks) -> None:
    """The last message is the beginning of the answer: say so in the vendor's way."""
    if quirks.prefill == "prefix":
        *before, begun = body["messages"]
        body["messages"] = [*before, {**begun, "prefix": True}]
    elif quirks.prefill == "template":
        body.update(continue_final_message=True, add_generation_prompt=False)


def _forced(quirks: Quirks, model: str) -> dict[str, object]:
    """What a model must be sent where its answer comes whole."""
    rows = (values for pattern, values in quirks.force_whole if pattern.search(model))
    return {key: value for values in rows for key, value in values.items()}


def _effort(body: dict[str, Any], forced: Mapping[str, Any], quirks: Quirks, dropped: list[str]) -> None:
    """ "auto" means not given; other words as the vendor spells them, or in parameters of its own. A caller who sends
    one of those has said it all. What is against ``forced`` is dropped and named."""
    effort = body.get("reasoning_effort")
    if not isinstance(effort, str):
        return
    if effort == "auto":
        del body["reasoning_effort"]
    elif effort in quirks.effort_as:
        del body["reasoning_effort"]
        said = quirks.effort_as[effort]
        others = {**forced, **body}
        if any(others.get(key, value) != value for key, value in said.items()):
            dropped.append("reasoning_effort")
        else:
            body.update(said)
    elif effort in quirks.efforts:
        body["reasoning_effort"] = quirks.efforts[effort]


def _tools(body: dict[str, Any], quirks: Quirks, dropped: list[str]) -> None:
    tools, choice = body.get("tools"), body.get("tool_choice")
    if isinstance(tools, list) and quirks.strip_tools:
        body["tools"] = [_stripped(tool, quirks.strip_tools) for tool in tools]
        if "strict" in quirks.strip_tools:
            dropped += [f"tools[{index}].function.strict" for index, tool in enumerate(tools) if _is_strict(tool)]
    if choice is not None:
        choice = _tool_choice(choice, tools)
        if quirks.tool_modes is not None and not (isinstance(choice, str) and choice in quirks.tool_modes):
            dropped.append("tool_choice")
            choice = "auto"
        body["tool_choice"] = choice
    elif quirks.auto_tools and tools:
        body["tool_choice"] = "auto"
    form = body.get("response_format")
    schema = form.get("json_schema") if isinstance(form, dict) else None
    if isinstance(form, dict) and isinstance(schema, dict) and "name" not in schema:
        body["response_format"] = {**form, "json_schema": {"name": "response", **schema}}


def _is_strict(tool: Any) -> bool:
    function = tool.get("function") if isinstance(tool, dict) else None
    return isinstance(function, dict) and function.get("strict") is True


def _stripped(tool: Any, keys: frozenset[str]) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    function = {key: value for key, value in function.items() if key not in keys}
    parameters = function.get("parameters")
    if isinstance(parameters, dict) and not keys.isdisjoint(parameters):
        function["parameters"] = {key: value for key, value in parameters.items() if key not in keys}
    return {**tool, "function": function}


def two_lengths(given: Mapping[str, Any], dropped: list[str]) -> None:
    """Names the older word for the length of an answer where it differs from the newer, which counts."""
    newer, older = given.get("max_completion_tokens"), given.get("max_tokens")
    if newer is not None and older is not None and newer != older:
        dropped.append("max_tokens")


def _tool_choice(choice: Any, tools: Any) -> Any:
    """OpenAI's forms of: "any", a function's bare name, and Anthropic's ``{"type": "tool", "name"}``."""
    if isinstance(choice, dict):
        if choice.get("type") == "tool" and isinstance(choice.get("name"), str):
            return {"type": "function", "function": {"name": choice["name"]}}
        if choice.get("type") in ("auto", "any", "none") and len(choice) == 1:
            choice = choice["type"]
        else:
            return choice
    if choice == "any":
        return "required"
    if choice not in MODES and isinstance(choice, str) and isinstance(tools, list):
        functions = [tool.get("function") for tool in tools if isinstance(tool, dict)]
        if any(isinstance(function, dict) and function.get("name") == choice for function in functions):
            return {"type": "function", "function": {"name": choice}}
    return choice


def _mode(body: dict[str, Any], call: Call, quirks: Quirks, model: str) -> None:
    """Streaming, always with usage where the vendor can be asked for it; or whole."""
    if not call.stream:
        for key, value in _forced(quirks, model).items():
            body.setdefault(key, value)
        return
    body["stream"] = True
    if quirks.stream_usage:
        given = call.body.get("stream_options")
        options = {**given} if isinstance(given, dict) else {}
        options["include_usage"] = True
        if quirks.obfuscation:
            options["include_obfuscation"] = False
        body["stream_options"] = options
