"""A chat request in the inner form → a request in Anthropic's Messages format. ◇

Source: Anthropic API reference, Messages, version 2023-06-01. Every parameter is in one of the tables below; what the
format has no word for is dropped and named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.adapters.anthropic_messages import end_turn, render_messages
from providers.adapters.anthropic_models import Traits, traits_of
from providers.adapters.anthropic_schema import narrowed
from providers.adapters.openai_request import NEUTRAL, two_lengths
from providers.chat import Call
from providers.errors import RequestRejected
from providers.wire import Target

JSON_TOOL = "gateway_json_answer"
JSON_HINT = "Respond with a single JSON object and nothing else."
ANSWER_ROOM = 4096
MIN_BUDGET = 1024
BUDGETS: Mapping[str, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16_384,
}
EFFORTS: Mapping[str, str] = {"minimal": "low", "xhigh": "high", "max": "high"}  # where a model lacks the word
TIERS: Mapping[str, str] = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
SEARCHES: Mapping[str, int] = {"low": 1, "medium": 5, "high": 10}
PRIVATE = re.compile(r"\S+@\S+\.\S+|\+?[\d\s().-]{7,}")  # the vendor wants no names, addresses or numbers of people

HANDLED = frozenset(
    {"messages", "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "stop", "temperature"}
    | {"top_p", "top_k", "tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "user"}
    | {"safety_identifier", "metadata", "service_tier", "web_search_options"}
)
NATIVE = frozenset(
    {"thinking", "output_config", "cache_control", "container", "context_management", "mcp_servers", "inference_geo"}
    | {"speed"}
)


def render_body(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out or bent. Raises ``RequestRejected`` for what cannot be
    put into JSON at all."""
    try:
        return _render(call, target)
    except RecursionError as error:
        message = "The request is nested too deeply."
        raise RequestRejected(message, status=400, type="invalid_request_error") from error


def _render(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    extra = {key: value for key, value in target.extra_body.items() if call.body.get(key) is None}
    given = {key: value for key, value in call.body.items() if value is not None}
    traits = traits_of(target.upstream_model)
    dropped: list[str] = []
    messages = given.get("messages")
    messages = messages if isinstance(messages, list) else []
    system, turns = render_messages(messages, dropped)
    end_turn(turns, traits.prefill, f"messages[{len(messages) - 1}]", dropped)
    body: dict[str, Any] = {"model": target.upstream_model, "max_tokens": ANSWER_ROOM, "messages": turns}
    if system:
        body["system"] = system
    _plain(body, given, dropped)
    _tools(body, given, traits, dropped)
    _format(body, given, traits, dropped)
    _thinking(body, given, traits, dropped)
    _length(body, given, traits, dropped)
    _sampling(body, given, traits, dropped)
    if call.stream:
        body["stream"] = True
    body.update(extra)
    return {key: value for key, value in body.items() if value is not None}, tuple(dropped)


def _plain(body: dict[str, Any], given: Mapping[str, Any], dropped: list[str]) -> None:
    """What has one word in both, and what has none."""
    for name, value in given.items():
        if name in NATIVE:
            body[name] = value
        elif name not in HANDLED and (name not in NEUTRAL or value != NEUTRAL[name]):
            dropped.append(name)
    stop = given.get("stop")
    if stop is not None:
        stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
        kept = [text for text in stops if isinstance(text, str) and text.strip()]
        if len(kept) < len(stops):
            dropped.append("stop")
        if kept:
            body["stop_sequences"] = kept
    tier = given.get("service_tier")
    if isinstance(tier, str) and tier in TIERS:
        body["service_tier"] = TIERS[tier]
    elif tier is not None:
        dropped.append("service_tier")
    _user(body, given, dropped)


def _user(body: dict[str, Any], given: Mapping[str, Any], dropped: list[str]) -> None:
    metadata = given.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if metadata.keys() - {"user_id"}:
        dropped.append("metadata")
    for name, value in (
        ("metadata", metadata.get("user_id")),
        ("safety_identifier", given.get("safety_identifier")),
        ("user", given.get("user")),
    ):
        if not value:
            continue
        if not isinstance(value, str) or PRIVATE.fullmatch(value.strip()):
            dropped.append(name)
        else:
            body.setdefault("metadata", {"user_id": value})
            if body["metadata"]["user_id"] != value:
                dropped.append(name)


def _tools(body: dict[str, Any], given: Mapping[str, Any], traits: Traits, dropped: list[str]) -> None:
    tools = []
    listed = given.get("tools")
    for index, tool in enumerate(listed if isinstance(listed, list) else ()):
        rendered = _tool(tool, f"tools[{index}]", traits, dropped)
        if rendered is None:
            dropped.append(f"tools[{index}]")
        else:
            tools.append(rendered)
    options = given.get("web_search_options")
    if isinstance(options, dict):
        uses = SEARCHES.get(str(options.get("search_context_size") or "medium"), 5)
        place = options.get("user_location")
        near = place.get("approximate") if isinstance(place, dict) else None
        where = {"user_location": {"type": "approximate", **near}} if isinstance(near, dict) else {}
        tools.append({"type": "web_search_20250305", "name": "web_search", "max_uses": uses, **where})
    if not tools:
        if given.get("tool_choice") not in (None, "none", "auto"):
            dropped.append("tool_choice")
        return
    body["tools"] = tools
    choice = _choice(given.get("tool_choice"), dropped)
    if choice and choice["type"] in ("any", "tool") and not traits.forced:
        dropped.append("tool_choice")
        choice = {"type": "auto"}
    if given.get("parallel_tool_calls") is False and (choice is None or choice["type"] != "none"):
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice is not None:
        body["tool_choice"] = choice


def _tool(tool: Any, where: str, traits: Traits, dropped: list[str]) -> dict[str, Any] | None:
    """A function → a tool; the vendor's own tools (``web_search_20250305``) as they are; None for others."""
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    if not isinstance(function, dict):
        native = re.search(r"_20\d{6}$", str(tool.get("type"))) or "input_schema" in tool
        return tool if native and isinstance(tool.get("name"), str) else None
    schema = function.get("parameters")
    schema = {"properties": {}} if not isinstance(schema, dict) or not schema else schema
    out: dict[str, Any] = {"name": function.get("name"), "input_schema": {**schema, "type": "object"}}
    if isinstance(function.get("description"), str):
        out["description"] = function["description"]
    if function.get("strict") is True:
        if traits.schema:
            out["strict"] = True
            out["input_schema"] = narrowed(out["input_schema"])
        else:
            dropped.append(f"{where}.function.strict")
    mark = tool.get("cache_control") or function.get("cache_control")
    return {**out, "cache_control": mark} if isinstance(mark, dict) else out


def _choice(choice: Any, dropped: list[str]) -> dict[str, Any] | None:
    """OpenAI's forms of ``tool_choice``, and the vendor's own; what cannot be said is left to the model."""
    if choice is None:
        return None
    if choice in ("required", "any"):
        return {"type": "any"}
    if choice in ("auto", "none"):
        return {"type": choice}
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else choice.get("name")
        if choice.get("type") in ("function", "tool") and isinstance(name, str):
            return {"type": "tool", "name": name}
        if choice.get("type") in ("auto", "any", "none") and choice.keys() <= {"type", "disable_parallel_tool_use"}:
            return {**choice}
    dropped.append("tool_choice")
    return None


def _format(body: dict[str, Any], given: Mapping[str, Any], traits: Traits, dropped: list[str]) -> None:
    """Structured outputs; where a model has none, a tool that it must call, whose arguments are the answer."""
    wanted = given.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") == "text":
        return
    named = wanted.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    if wanted.get("type") == "json_object":
        body["system"] = [*body.get("system", ()), {"type": "text", "text": JSON_HINT}]
    elif wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        dropped.append("response_format")
    elif traits.schema:
        config = body.get("output_config")
        narrow = {"type": "json_schema", "schema": narrowed(schema)}
        body["output_config"] = {**(config if isinstance(config, dict) else {}), "format": narrow}
    elif schema.get("type", "object") != "object":
        dropped.append("response_format")
    else:
        tools = body.get("tools", [])
        words = {"description": "Give the final answer by calling this tool."}
        tool = {"name": JSON_TOOL, **words, "input_schema": {**schema, "type": "object"}}
        barred = body.get("tool_choice", {}).get("type") == "none"
        body["tools"] = [*tools, tool]
        forced = {"type": "any"} if tools and not barred else {"type": "tool", "name": JSON_TOOL}
        body["tool_choice"] = {**forced, "disable_parallel_tool_use": True} if not tools or barred else forced


def _thinking(body: dict[str, Any], given: Mapping[str, Any], traits: Traits, dropped: list[str]) -> None:
    """``reasoning_effort`` → thinking. A ``thinking`` of the caller's own goes as it is."""
    effort = given.get("reasoning_effort")
    if effort is None or effort == "auto" or "thinking" in body:
        return
    if effort == "none":
        if not traits.off:
            dropped.append("reasoning_effort")
        elif traits.budget or traits.adaptive:
            body["thinking"] = {"type": "disabled"}
        return
    if not isinstance(effort, str) or effort not in BUDGETS or not (traits.budget or traits.adaptive):
        dropped.append("reasoning_effort")
        return
    forced = body.get("tool_choice", {}).get("type") in ("any", "tool")
    if traits.efforts:
        config = body.get("output_config")
        word = effort if effort in traits.efforts else EFFORTS.get(effort, "high")
        body["output_config"] = {**(config if isinstance(config, dict) else {}), "effort": word}
    if traits.adaptive:
        if not forced:
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
    elif forced or body["messages"][-1]["role"] == "assistant" or _lost(body["messages"]):
        if not traits.efforts:
            dropped.append("reasoning_effort")
    else:
        body["thinking"] = {"type": "enabled", "budget_tokens": BUDGETS[effort]}


def _lost(turns: list[dict[str, Any]]) -> bool:
    """Whether the tool calls that were just answered came without the thinking before them: a 400 with thinking on."""
    if not any(block["type"] == "tool_result" for block in turns[-1]["content"]):
        return False
    last = next((turn for turn in reversed(turns) if turn["role"] == "assistant"), None)
    return last is not None and last["content"][0]["type"] not in ("thinking", "redacted_thinking")


def _length(body: dict[str, Any], given: Mapping[str, Any], traits: Traits, dropped: list[str]) -> None:
    """``max_tokens``, which must be there, and a thinking budget below it."""
    two_lengths(given, dropped)
    name = "max_completion_tokens" if "max_completion_tokens" in given else "max_tokens"
    asked = given.get(name)
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    budget = budget if isinstance(budget, int) else 0
    most = asked if isinstance(asked, int) else traits.max_output or ANSWER_ROOM + budget
    if traits.max_output and most > traits.max_output:
        most = traits.max_output
        dropped.append(name)
    body["max_tokens"] = most
    if not budget or budget < most or "thinking" in given:
        return
    if most > MIN_BUDGET:
        body["thinking"] = {"type": "enabled", "budget_tokens": most - 1}
    else:
        del body["thinking"]
        dropped.append("reasoning_effort")


def _sampling(body: dict[str, Any], given: Mapping[str, Any], traits: Traits, dropped: list[str]) -> None:
    """Temperature is 0 to 1 here, and with thinking 1; top_p then at least 0.95."""
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    thinks = kind in ("enabled", "adaptive")
    for name in ("temperature", "top_p", "top_k"):
        value = given.get(name)
        if value is None or (not isinstance(value, (int, float))):
            continue
        neutral = name in NEUTRAL and value == NEUTRAL[name]
        refused = (
            not traits.sampling
            or (thinks and (name != "top_p" or not 0.95 <= value <= 1))
            or (name == "top_p" and not traits.both and "temperature" in body)
        )
        if neutral and (refused or name == "top_p"):
            continue
        if refused:
            dropped.append(name)
            continue
        if name == "temperature" and not 0 <= value <= 1:
            dropped.append(name)
            value = min(max(value, 0), 1)
        body[name] = value
