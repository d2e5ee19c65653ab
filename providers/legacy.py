"""OpenAI's form of tools before there were tools: ``functions``, ``function_call``, messages of the role "function". ◇

Old clients still speak it, and few vendors understand it. For the others it is said in tools, and the answer is said in
the old form again. That form holds one call an answer: of several, the first is told, and the model may ask again for
the others once it has that one's result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.chat import Call

_TOOL = re.compile(r"^tools\[(\d+)\](?:\.function)?")
_CALL = re.compile(r"\.tool_calls\[\d+\](?:\.function)?")


def spoken(call: Call) -> bool:
    """Whether a request holds anything in the old form."""
    body = call.body
    if call.operation != "chat":
        return False
    return body.get("functions") is not None or body.get("function_call") is not None or any(map(_old, _messages(body)))


def wanted(call: Call) -> bool:
    """Whether the answer is to be in the old form: the caller offered functions, and no tools."""
    return call.operation == "chat" and bool(call.body.get("functions")) and not call.body.get("tools")


def modern(call: Call) -> Call:
    """A request with tools in place of functions; other parts are as they were."""
    body = {key: value for key, value in call.body.items() if key not in ("functions", "function_call")}
    functions, choice = call.body.get("functions"), call.body.get("function_call")
    if functions:
        offered = ({"type": "function", "function": function} for function in functions)
        body["tools"] = [*(body.get("tools") or ()), *offered]
    if choice is not None and body.get("tool_choice") is None:
        body["tool_choice"] = {"type": "function", "function": choice} if isinstance(choice, dict) else choice
    if any(map(_old, _messages(body))):
        body["messages"] = _conversation(body["messages"])
    return replace(call, body=body)


def names(dropped: tuple[str, ...], call: Call) -> tuple[str, ...]:
    """What was left out of the modern request, as the caller named it."""
    own = len(call.body.get("tools") or ())
    return tuple(_name(name, own) for name in dropped)


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """A whole answer with its first tool call as a function call."""
    return {**body, "choices": [_choice(choice, "message") for choice in body["choices"]]}


def chunk(given: dict[str, Any]) -> dict[str, Any]:
    """A piece of a streamed answer with what is of its first tool call as a function call."""
    return {**given, "choices": [_choice(choice, "delta") for choice in given["choices"]]}


def _messages(body: Mapping[str, Any]) -> list[Any]:
    messages = body.get("messages")
    return messages if isinstance(messages, list) else []


def _old(message: Any) -> bool:
    return isinstance(message, dict) and (message.get("role") == "function" or bool(message.get("function_call")))


def _conversation(messages: list[Any]) -> list[Any]:
    """Calls are given ids; a result belongs to the last call of its function."""
    out: list[Any] = []
    ids: dict[Any, str] = {}
    for index, message in enumerate(messages):
        if not _old(message):
            out.append(message)
        elif message.get("role") == "function":
            name, said = message.get("name"), {key: message[key] for key in ("name", "content") if key in message}
            found = ids.get(name) or f"function_call_{index}"
            out.append({**said, "role": "tool", "tool_call_id": found, "content": message.get("content") or ""})
        else:
            called = message["function_call"]
            made = ids[called.get("name")] = f"function_call_{index}"
            calls = [*(message.get("tool_calls") or ()), {"id": made, "type": "function", "function": called}]
            kept = {key: value for key, value in message.items() if key != "function_call"}
            out.append({**kept, "tool_calls": calls})
    return out


def _name(name: str, own: int) -> str:
    if name == "tool_choice":
        return "function_call"
    found = _TOOL.match(name)
    if found and int(found[1]) >= own:
        return f"functions[{int(found[1]) - own}]{name[found.end() :]}"
    return _CALL.sub(".function_call", name) if name.startswith("messages[") else name


def _choice(choice: dict[str, Any], key: str) -> dict[str, Any]:
    said = choice[key]
    out = {**choice, "finish_reason": "function_call"} if choice.get("finish_reason") == "tool_calls" else {**choice}
    if "tool_calls" in said:
        out[key] = {inner: value for inner, value in said.items() if inner != "tool_calls"}
        first = next((call for place, call in enumerate(said["tool_calls"]) if not call.get("index", place)), None)
        function = first.get("function") if first is not None else None
        if function is not None:
            out[key]["function_call"] = {part: function[part] for part in ("name", "arguments") if part in function}
    return out
