"""Requests in the inner form → Ollama's ``/api/chat`` and ``/api/embed``, by explicit tables. ◇

Source: Ollama API reference and its ``api/types.go``. What is not in a table, or has no word there, is dropped and
named. Ollama's own parameters are taken at the top of the request or in ``options``; the caller's ``options`` win over
what is said elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.adapters.ollama_messages import refuse, render_messages
from providers.adapters.openai_embeddings import refuse_tokens
from providers.adapters.openai_request import NEUTRAL, two_lengths
from providers.adapters.wanted_tools import declare, read_choice
from providers.chat import Call
from providers.wire import Target

# Taken as they are: Ollama's own parameters of a request ...
OWN = frozenset({"think", "format", "keep_alive", "truncate", "shift"})
OWN_OF_EMBED = frozenset({"dimensions", "keep_alive", "truncate"})
# ... and what stands in its options, under our names.
OPTIONS: Mapping[str, str] = {
    **{
        name: name
        for name in (
            "temperature", "top_p", "top_k", "min_p", "typical_p", "tfs_z", "seed", "presence_penalty",
            "frequency_penalty", "repeat_penalty", "repeat_last_n", "penalize_newline", "mirostat", "mirostat_tau",
            "mirostat_eta", "num_predict", "draft_num_predict", "num_ctx", "num_keep", "num_batch", "num_gpu",
            "main_gpu", "num_thread", "use_mmap",
        )
    },
    "repetition_penalty": "repeat_penalty",
}  # fmt: skip
# Said elsewhere in the body, or without meaning here.
ELSEWHERE = frozenset(
    {"model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "response_format"}
    | {"reasoning_effort", "logprobs", "top_logprobs", "options", "stop", "max_tokens", "max_completion_tokens"}
)
# gpt-oss thinks in levels; other models think or do not, and servers before 0.13 refuse them a level.
THINKS_IN_LEVELS = re.compile(r"gpt-?oss", re.I)
LEVELS: Mapping[str, str] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def render_chat(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out or bent. Raises ``RequestRejected`` (400)."""
    given = {key: value for key, value in call.body.items() if value is not None}
    dropped: list[str] = []
    body: dict[str, Any] = {"model": target.upstream_model, "messages": [], "stream": call.stream}
    body["messages"] = render_messages(given.get("messages"), dropped)
    two_lengths(given, dropped)
    for name, value in given.items():
        if name in OWN:
            body[name] = value
        elif name not in ELSEWHERE and name not in OPTIONS:
            _leave_out(name, value, dropped)
    body.update(_think(given, target.upstream_model, dropped))
    body.update(_format(given, dropped))
    body.update(_tools(given, dropped))
    body.update(_logprobs(given))
    options = _options(given)
    if options:
        body["options"] = options
    return _finished(body, call, target, dropped)


def render_embed(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """As ``render_chat``. Raises ``Unsupported`` for tokens in place of text, which Ollama does not take."""
    given = {key: value for key, value in call.body.items() if value is not None}
    refuse_tokens(given.get("input"), target.kind)
    dropped: list[str] = []
    body: dict[str, Any] = {"model": target.upstream_model, "input": given.get("input")}
    for name, value in given.items():
        if name in OWN_OF_EMBED or (name == "options" and isinstance(value, dict)):
            body[name] = value
        elif name not in ("model", "input", "encoding_format"):  # how numbers are spelled is decided at the front door
            _leave_out(name, value, dropped)
    return _finished(body, call, target, dropped)


def _finished(
    body: dict[str, Any], call: Call, target: Target, dropped: list[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    for key, value in target.extra_body.items():
        if key not in call.body:
            both = isinstance(value, dict) and isinstance(body.get(key), dict)
            body[key] = {**value, **body[key]} if both and isinstance(value, dict) else value
    return body, tuple(dropped)


def _leave_out(name: str, value: Any, dropped: list[str]) -> None:
    if name not in NEUTRAL or value != NEUTRAL[name]:
        dropped.append(name)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    out = {new: given[name] for name, new in OPTIONS.items() if name in given}
    limit = given.get("max_completion_tokens", given.get("max_tokens"))
    if limit is not None:
        out.setdefault("num_predict", limit)
    stops = given.get("stop")
    if stops:
        out["stop"] = [stops] if isinstance(stops, str) else stops
    own = given.get("options", {})
    if not isinstance(own, dict):
        raise refuse("'options' must be an object.", "options")
    return {**out, **own}


def _think(given: Mapping[str, Any], model: str, dropped: list[str]) -> dict[str, Any]:
    effort = given.get("reasoning_effort")
    if effort is None or effort == "auto":
        return {}
    if "think" in given:
        dropped.append("reasoning_effort")
        return {}
    if effort == "none":
        return {"think": False}
    if not isinstance(effort, str) or effort not in LEVELS:
        dropped.append("reasoning_effort")
        return {}
    return {"think": LEVELS[effort] if THINKS_IN_LEVELS.search(model) else True}


def _format(given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    form = given.get("response_format")
    kind = form.get("type") if isinstance(form, dict) else None
    if form is None or kind == "text":
        return {}
    if "format" in given:
        dropped.append("response_format")
        return {}
    if isinstance(form, dict) and kind == "json_object":
        return {"format": "json"}
    named = form.get("json_schema") if isinstance(form, dict) and kind == "json_schema" else None
    schema = named.get("schema") if isinstance(named, dict) else None
    if isinstance(schema, dict):
        return {"format": schema}
    dropped.append("response_format")
    return {"format": "json"} if kind == "json_schema" else {}


def _logprobs(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("logprobs") is not True:
        return {}
    return {"logprobs": True, **({"top_logprobs": given["top_logprobs"]} if "top_logprobs" in given else {})}


def _tools(given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """``tools``. Ollama cannot be made to call one: the list is cut to those that the caller's choice leaves."""
    if given.get("parallel_tool_calls") is False and given.get("tools"):
        dropped.append("parallel_tool_calls")
    mode, names = read_choice(given.get("tool_choice"))
    if mode == "none":
        names = ()
    elif mode not in (None, "auto"):
        dropped.append("tool_choice")
    tools = []
    listed = given.get("tools")
    for index, tool in enumerate(listed if isinstance(listed, list) else []):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            dropped.append(f"tools[{index}]")
        elif names is None or function["name"] in names:
            if function.get("strict") is True:
                dropped.append(f"tools[{index}].function.strict")
            tools.append({"type": "function", "function": declare(function)})
    return {"tools": tools} if tools else {}
