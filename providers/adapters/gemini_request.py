"""A chat request in the inner form → GenerateContentRequest. ◇

Source: Gemini API reference, GenerateContentRequest, GenerationConfig, Tool, ToolConfig, ThinkingConfig. Fields that
Gemini does not know are a 400 there, so nothing passes but what the tables below name; the rest is dropped and
named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.adapters.gemini_messages import render_messages
from providers.adapters.openai_request import NEUTRAL, two_lengths
from providers.adapters.wanted_tools import read_choice
from providers.chat import Call
from providers.wire import Target

CONFIG: Mapping[str, str] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
# Gemini's own words, taken from callers as they are.
NATIVE: Mapping[str, str] = {
    **dict.fromkeys(("safetySettings", "safety_settings"), "safetySettings"),
    **dict.fromkeys(("cachedContent", "cached_content"), "cachedContent"),
    "labels": "labels",
}
TIERS = {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}
SILENT = frozenset({"model", "messages", "stream", "stream_options", "tools", "tool_choice", "web_search_options"})
PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY", "validated": "VALIDATED"}
VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?", re.I)
LATEST = re.compile(r"gemini-(flash-lite|flash|pro)-latest", re.I)
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH"}
PRO_LEAST = 128  # tokens: Pro cannot be told not to think
INT32 = 2**31


def render_body(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out or bent. Raises ``RequestRejected`` (400)."""
    given = {key: value for key, value in call.body.items() if value is not None}
    model, dropped = target.upstream_model, list[str]()
    given = _without_clash(given, model, dropped)
    body: dict[str, Any] = {}
    system, body["contents"] = render_messages(given.get("messages"), _generation(model) >= (3, 0), dropped)
    if system:
        body["systemInstruction"] = system
    body.update(_tools(given, dropped))
    config = _config(given, model, dropped)
    thinking = _thinking(given, model, dropped)
    if thinking:
        config["thinkingConfig"] = thinking
    _rest(given, body, dropped)
    if config:
        body["generationConfig"] = config
    return _with_extra(body, call, target.extra_body), tuple(dropped)


def _without_clash(given: dict[str, Any], model: str, dropped: list[str]) -> dict[str, Any]:
    """Before Gemini 3, tools and JSON output exclude each other: tools stay, unless none is to be called."""
    form = given.get("response_format")
    plain = not isinstance(form, dict) or form.get("type") == "text"
    tools = given.get("tools") or given.get("web_search_options") is not None
    if plain or not tools or not (0, 0) < _generation(model) < (3, 0):
        return given
    if given.get("tool_choice") == "none" and "web_search_options" not in given:
        return {key: value for key, value in given.items() if key != "tools"}
    dropped.append("response_format")
    return {key: value for key, value in given.items() if key != "response_format"}


def _with_extra(body: dict[str, Any], call: Call, extra: Mapping[str, object]) -> dict[str, Any]:
    """The operator's additions; of generationConfig, only what the caller has not said."""
    out = dict(body)
    for key, value in extra.items():
        if key == "generationConfig" and isinstance(value, Mapping):
            out[key] = {**value, **body.get(key, {})}
        elif key not in call.body:
            out[key] = value
    return out


def _generation(model: str) -> tuple[int, int]:
    """(3, 1) of "gemini-3.1-pro"; names without a number are of the newest; (0, 0) of what is no Gemini."""
    found = VERSION.search(model)
    if found:
        return int(found[1]), int(found[2] or 0)
    return (3, 99) if LATEST.search(model) else (0, 0)


def _config(given: Mapping[str, Any], model: str, dropped: list[str]) -> dict[str, Any]:
    """GenerationConfig without thinking."""
    config: dict[str, Any] = {}
    two_lengths(given, dropped)
    for name, new in CONFIG.items():
        if name not in given:
            continue
        value = given[name]
        refused = name in PENALTIES and _generation(model) >= (3, 0)
        if refused or (name == "seed" and not (isinstance(value, int) and -INT32 <= value < INT32)):
            _drop(name, value, dropped)
        else:
            config[new] = value
    stop = given.get("stop")
    if stop:
        config["stopSequences"] = [stop] if isinstance(stop, str) else stop
    if given.get("n", 1) != 1:
        config["candidateCount"] = given["n"]
    if given.get("logprobs"):
        config["responseLogprobs"] = True
        if given.get("top_logprobs"):
            config["logprobs"] = given["top_logprobs"]
    elif given.get("top_logprobs"):
        dropped.append("top_logprobs")
    modalities = given.get("modalities")
    if isinstance(modalities, list) and modalities != ["text"]:
        config["responseModalities"] = [str(word).upper() for word in modalities]
    return {**config, **_format(given.get("response_format"), dropped)}


def _format(form: Any, dropped: list[str]) -> dict[str, Any]:
    """Structured outputs. Gemini always holds to a schema: ``strict`` and ``name`` are not needed."""
    kind = form.get("type") if isinstance(form, dict) else form
    if kind in (None, "text"):
        return {}
    out: dict[str, Any] = {"responseMimeType": "application/json"}
    if kind == "json_object":
        return out
    holder = form.get("json_schema") if isinstance(form, dict) else None
    schema = holder.get("schema") if isinstance(holder, dict) else None
    if kind == "json_schema" and isinstance(schema, dict):
        return {**out, "responseJsonSchema": _schema(schema)}
    dropped.append("response_format")
    return {}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$schema"}


def _rest(given: Mapping[str, Any], body: dict[str, Any], dropped: list[str]) -> None:
    """Everything that is neither conversation nor tools nor generationConfig: into ``body``, or dropped."""
    known = SILENT | CONFIG.keys() | {"stop", "n", "logprobs", "top_logprobs", "modalities", "response_format"}
    for name, value in given.items():
        if name in known or name in ("reasoning_effort", "reasoning", "thinking"):
            continue
        if name in NATIVE:
            body[NATIVE[name]] = value
        elif name == "service_tier" and isinstance(value, str) and value in TIERS:
            body["serviceTier"] = TIERS[value]
        elif not (name == "parallel_tool_calls" and value is True):
            _drop(name, value, dropped)


def _drop(name: str, value: Any, dropped: list[str]) -> None:
    if name not in NEUTRAL or value != NEUTRAL[name]:
        dropped.append(name)


def _thinking(given: Mapping[str, Any], model: str, dropped: list[str]) -> dict[str, Any] | None:
    """ThinkingConfig from ``reasoning_effort``, ``reasoning`` (effort or max_tokens) or ``thinking`` (budget_tokens).

    Budgets are tokens; models from 3 on take levels instead. Thoughts are asked for wherever thinking is.
    """
    names = [key for key in ("reasoning_effort", "reasoning", "thinking") if given.get(key)]
    if not names:
        return None
    name = names[0]
    dropped += names[1:]
    said = given[name]
    effort = said if isinstance(said, str) else None
    budget = None
    if isinstance(said, dict):
        effort = said.get("effort") or {"disabled": "none", "enabled": "medium"}.get(str(said.get("type")))
        budget = said.get("max_tokens") or said.get("budget_tokens")
    if isinstance(budget, int) and not isinstance(budget, bool) and effort != "none":
        return {"thinkingBudget": budget, "includeThoughts": True}
    if effort == "auto":
        return None
    generation = _generation(model)
    if not isinstance(effort, str) or effort not in BUDGETS or (0, 0) < generation < (2, 5) or "gemma" in model:
        dropped.append(name)
        return None
    pro = "pro" in model
    if generation >= (3, 0):
        return _level(name, effort, pro, generation, dropped)
    if effort == "none" and pro:
        dropped.append(name)
        return {"thinkingBudget": PRO_LEAST}
    if effort == "none":
        return {"thinkingBudget": 0}
    return {"thinkingBudget": BUDGETS[effort], "includeThoughts": True}


def _level(name: str, effort: str, pro: bool, generation: tuple[int, int], dropped: list[str]) -> dict[str, Any]:
    """Levels: Pro has no MINIMAL, its first version no MEDIUM either; none can be told not to think at all."""
    least = "LOW" if pro else "MINIMAL"
    if effort == "none":
        dropped.append(name)
        return {"thinkingLevel": least}
    level = LEVELS[effort]
    if pro and level == "MINIMAL":
        level = least
    elif pro and level == "MEDIUM" and generation == (3, 0):
        level = "HIGH"
    return {"thinkingLevel": level, "includeThoughts": True}


def _tools(given: Mapping[str, Any], dropped: list[str]) -> dict[str, Any]:
    """``tools`` and ``toolConfig``: one entry with all functions, and Google's own tools as they are."""
    functions: list[dict[str, Any]] = []
    own: list[dict[str, Any]] = []
    tools = given.get("tools")
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            functions.append(_function(function))
            if function.get("strict"):
                dropped.append(f"tools[{number}].function.strict")
        elif isinstance(tool, dict) and tool and "type" not in tool:
            own.append(tool)
        else:
            dropped.append(f"tools[{number}]")
    options = given.get("web_search_options")
    if options is not None:
        own.append({"googleSearch": {}})
        dropped += [f"web_search_options.{key}" for key in options] if isinstance(options, dict) else []
    out: dict[str, Any] = {}
    if functions or own:
        out["tools"] = [*([{"functionDeclarations": functions}] if functions else []), *own]
    choice = _choice(given.get("tool_choice"), functions)
    if choice is not None and functions:
        out["toolConfig"] = {"functionCallingConfig": choice}
    elif given.get("tool_choice") not in (None, "auto", "none"):
        dropped.append("tool_choice")
    return out


def _function(function: Mapping[str, Any]) -> dict[str, Any]:
    out = {key: function[key] for key in ("name", "description") if function.get(key)}
    parameters = function.get("parameters")
    return {**out, "parametersJsonSchema": _schema(parameters)} if isinstance(parameters, dict) and parameters else out


def _choice(choice: Any, functions: list[dict[str, Any]]) -> dict[str, Any] | None:
    """FunctionCallingConfig; None where nothing is said, or nothing that is known."""
    mode, names = read_choice(choice)
    if isinstance(mode, str) and mode not in MODES and any(function["name"] == mode for function in functions):
        mode, names = "required", (mode,)
    if names is not None:
        return {"mode": "ANY" if mode == "required" else "VALIDATED", "allowedFunctionNames": list(names)}
    return {"mode": MODES[mode]} if isinstance(mode, str) and mode in MODES else None
