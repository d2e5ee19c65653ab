"""A chat request in the inner form → ``POST /v2/chat`` of Cohere, by an explicit table. ◇

What is not in the table, or has no word there, is dropped and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from providers.adapters.cohere_messages import escape_name, refuse, render_messages
from providers.adapters.openai_request import NEUTRAL, two_lengths
from providers.adapters.wanted_tools import declare, read_choice
from providers.chat import Call
from providers.wire import Target

# Cohere's own parameters, taken as they are.
NATIVE = frozenset({"documents", "citation_options", "safety_mode", "priority", "strict_tools"})
# Said elsewhere in the body, or without meaning here.
ELSEWHERE = frozenset({"model", "messages", "stream", "stream_options", "tools", "tool_choice", "response_format"})
# Tokens that the model may think; None: as many as it wants. Cohere's own compatible endpoint knows only the two ends.
EFFORTS: Mapping[str, int | None] = {
    "minimal": 512,
    "low": 1024,
    "medium": 4096,
    "high": None,
    "xhigh": None,
    "max": None,
}
# Models from before thinking; not to think is all they do.
NEVER_THINKS = re.compile(r"^(command(-light)?(-nightly)?$|command-r|command-a-(03-2025|vision|translate)|c4ai-)")
STOPS = 5
MODES: Mapping[str, str | None] = {"auto": None, "none": "NONE", "required": "REQUIRED", "any": "REQUIRED"}


def render_body(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out or bent. Raises ``RequestRejected`` (400)."""
    given = {key: value for key, value in call.body.items() if value is not None}
    dropped: list[str] = []
    body: dict[str, Any] = {"model": target.upstream_model, "stream": call.stream}
    body["messages"] = render_messages(given.get("messages"), dropped)
    two_lengths(given, dropped)
    for name, value in given.items():
        if name in ELSEWHERE:
            continue
        if name in NATIVE:
            body[name] = value
        elif name in TABLE:
            body.update(TABLE[name](value, given, dropped))
        elif name not in NEUTRAL or value != NEUTRAL[name]:
            dropped.append(name)
    body.update(_thinking(given, target.upstream_model, dropped))
    body.update(_tools(given, dropped))
    body.update(_format(given, dropped))
    body.update({key: value for key, value in target.extra_body.items() if key not in call.body})
    return {key: value for key, value in body.items() if value is not None}, tuple(dropped)


Row = Callable[[Any, Mapping[str, Any], list[str]], dict[str, Any]]


def _as(new: str) -> Row:
    def row(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
        return {new: value}

    return row


def _within(name: str, new: str, low: float, high: float) -> Row:
    """A number with bounds: what is beyond them is bent, and named."""

    def row(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
        if isinstance(value, (int, float)) and not low <= value <= high:
            dropped.append(name)
            value = min(max(value, low), high)
        return {new: value}

    return row


def _max_tokens(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    return {"max_tokens": given.get("max_completion_tokens", value)}


def _top_p(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """0.01 to 0.99; the ends of OpenAI's range mean the same as the ends of Cohere's."""
    if isinstance(value, (int, float)):
        if not 0 <= value <= 1:
            dropped.append("top_p")
        value = min(max(value, 0.01), 0.99)
    return {"p": value}


def _top_k(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """0 to 500; vLLM's -1 means no bound, as 0 does here."""
    return {} if value == -1 else _within("top_k", "k", 0, 500)(value, given, dropped)


def _stop(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list):
        raise refuse("'stop' must be text or a list of texts.", "stop")
    if len(stops) > STOPS:
        dropped.append("stop")
    return {"stop_sequences": stops[:STOPS]} if stops else {}


def _seed(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """An unsigned number of 64 bits; a negative one becomes the one of the same bits."""
    return {"seed": value % 2**64 if isinstance(value, int) else value}


def _logprobs(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    return {"logprobs": True} if value is True else {}


def _parallel(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """Calls are always parallel."""
    if value is not True and given.get("tools"):
        dropped.append("parallel_tool_calls")
    return {}


def _nothing(value: Any, given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    return {}


TABLE: Mapping[str, Row] = {
    "max_tokens": _max_tokens,
    "max_completion_tokens": _max_tokens,
    "temperature": _within("temperature", "temperature", 0.0, 1.0),
    "top_p": _top_p,
    "p": _within("p", "p", 0.01, 0.99),
    "top_k": _top_k,
    "k": _within("k", "k", 0, 500),
    "stop": _stop,
    "stop_sequences": _stop,
    "seed": _seed,
    "frequency_penalty": _within("frequency_penalty", "frequency_penalty", 0.0, 1.0),
    "presence_penalty": _within("presence_penalty", "presence_penalty", 0.0, 1.0),
    "logprobs": _logprobs,
    "parallel_tool_calls": _parallel,
    "reasoning_effort": _nothing,  # these two: _thinking
    "thinking": _nothing,
}


def _thinking(given: Mapping[str, Any], model: str, dropped: list[str]) -> dict[str, Any]:
    """The caller's own ``thinking`` (Anthropic's word for the budget is understood), else the effort as a budget."""
    own, effort = given.get("thinking"), given.get("reasoning_effort")
    if isinstance(own, dict):
        budget = own.get("token_budget", own.get("budget_tokens"))
        if effort is not None:
            dropped.append("reasoning_effort")
        kind = "disabled" if own.get("type") == "disabled" else "enabled"
        return {"thinking": {"type": kind, **({} if budget is None else {"token_budget": budget})}}
    if own is not None:
        dropped.append("thinking")
    if effort is None or effort == "auto":
        return {}
    if NEVER_THINKS.search(model):
        if effort not in ("none", "minimal"):
            dropped.append("reasoning_effort")
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if not isinstance(effort, str) or effort not in EFFORTS:
        dropped.append("reasoning_effort")
        return {}
    budget = EFFORTS[effort]
    return {"thinking": {"type": "enabled", **({} if budget is None else {"token_budget": budget})}}


def _tools(given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """``tools``, ``strict_tools`` and ``tool_choice``; a named function is required of a list that holds it alone."""
    tools: dict[str, dict[str, Any]] = {}
    strict: dict[int, bool] = {}
    listed = given.get("tools")
    for index, tool in enumerate(listed if isinstance(listed, list) else []):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            dropped.append(f"tools[{index}]")
            continue
        tools[function["name"]] = {
            "type": "function",
            "function": declare({**function, "name": escape_name(function["name"])}),
        }
        strict[index] = function.get("strict") is True
    said, names = read_choice(given.get("tool_choice"))
    mode = _mode(said)
    if names is not None:
        tools = {name: tool for name, tool in tools.items() if name in names}
    if mode == "NONE" and given.get("response_format"):
        return {}  # the two exclude each other, and nothing is to be called
    if not tools:
        if mode == "REQUIRED" or names is not None:
            dropped.append("tool_choice")
        return {}
    if mode == "":
        dropped.append("tool_choice")
    out: dict[str, Any] = {"tools": list(tools.values()), **({"tool_choice": mode} if mode else {})}
    if all(strict.values()):
        out["strict_tools"] = True
    else:  # one word for all tools
        dropped.extend(f"tools[{index}].function.strict" for index, wanted in strict.items() if wanted)
    return out


def _mode(choice: Any) -> str | None:
    """Cohere's word for a mode; None: its default, "": there is none."""
    if choice is None:
        return None
    return MODES.get(choice, choice if choice in ("NONE", "REQUIRED") else "") if isinstance(choice, str) else ""


def _format(given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """Structured output; Cohere has none together with tools or documents."""
    form = given.get("response_format")
    kind = form.get("type") if isinstance(form, dict) else None
    if form is None or kind == "text":
        return {}
    if not isinstance(form, dict) or kind not in ("json_object", "json_schema"):
        dropped.append("response_format")
        return {}
    if (given.get("tools") and given.get("tool_choice") != "none") or given.get("documents"):
        dropped.append("response_format")
        return {}
    named = form.get("json_schema")
    schema = named if kind == "json_object" else named.get("schema") if isinstance(named, dict) else None
    return {"response_format": {"type": "json_object", **({"json_schema": schema} if isinstance(schema, dict) else {})}}
