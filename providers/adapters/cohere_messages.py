"""Messages of a chat request in the inner form → Cohere's. ◇

Tool names: Cohere takes letters, digits and underscores, and no digit first. Other names are escaped so that replies
can be read back without anything being kept: ``_x2d_`` for "-", and ``_x5f_`` for an underscore that could read as
the beginning of such an escape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from providers.errors import RequestRejected
from providers.ids import SIXTY_FOUR, fitting

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ESCAPE = re.compile(r"_x([0-9a-f]{1,6})_")
MUST_ESCAPE = re.compile(r"_(?=x)|[^A-Za-z0-9_]|^[0-9]")
DETAILS = ("low", "high", "auto")

# How ``reasoning_details`` says which of Cohere's two places for reasoning a text came from.
THINKING = "cohere-thinking-v2"
PLAN = "cohere-tool-plan-v2"


def escape_name(name: str) -> str:
    """A function's name as Cohere takes it; most are taken as they are."""
    if PLAIN_NAME.fullmatch(name) and not ESCAPE.search(name):
        return name
    return MUST_ESCAPE.sub(lambda found: f"_x{ord(found[0]):x}_", name)


def unescape_name(name: str) -> str:
    """The name that ``escape_name`` was given."""
    return ESCAPE.sub(_character, name)


def _character(found: re.Match[str]) -> str:
    point = int(found[1], 16)
    return chr(point) if point <= 0x10FFFF else found[0]


def refuse(message: str, param: str) -> RequestRejected:
    """The error for a request that cannot be said at all."""
    return RequestRejected(message, status=400, type="invalid_request_error", code="unsupported_parameter", param=param)


def render_messages(messages: Any, dropped: list[str]) -> list[dict[str, Any]]:
    """Messages → Cohere's. Names in ``dropped`` what is lost. Raises ``RequestRejected`` where there is none."""
    if not isinstance(messages, list):
        raise refuse("'messages' must be a list.", "messages")
    out = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        render = ROLES.get(role) if isinstance(role, str) else None
        if render is None:
            raise refuse(f"'{where}' has no role that can be passed on to Cohere.", where)
        if message.get("name") and role != "tool":
            dropped.append(f"{where}.name")
        rendered = render(message, where, dropped)
        if rendered is not None:
            out.append(rendered)
    return out


def _system(message: Mapping[str, Any], where: str, dropped: list[str]) -> dict[str, Any]:
    return {"role": "system", "content": _content(message.get("content"), where, dropped, frozenset({"text"}))}


def _user(message: Mapping[str, Any], where: str, dropped: list[str]) -> dict[str, Any]:
    taken = frozenset({"text", "image_url"})
    return {"role": "user", "content": _content(message.get("content"), where, dropped, taken)}


def _tool(message: Mapping[str, Any], where: str, dropped: list[str]) -> dict[str, Any]:
    identifier = message.get("tool_call_id")
    if not isinstance(identifier, str) or not identifier:
        raise refuse(f"'{where}.tool_call_id' is missing.", f"{where}.tool_call_id")
    taken = frozenset({"text", "document"})
    content = _content(message.get("content"), where, dropped, taken)
    return {"role": "tool", "tool_call_id": fitting(identifier, SIXTY_FOUR), "content": content}


def _assistant(message: Mapping[str, Any], where: str, dropped: list[str]) -> dict[str, Any] | None:
    """None for a turn that says nothing: Cohere takes none without content or tool calls."""
    if message.get("audio"):
        dropped.append(f"{where}.audio")
    content = message.get("content")
    if message.get("refusal"):
        if content:
            dropped.append(f"{where}.refusal")
        content = content or message["refusal"]
    given = _content(content, where, dropped, frozenset({"text", "refusal", "thinking"})) if content else ""
    parts = given if isinstance(given, list) else [{"type": "text", "text": given}] if given else []
    calls = _calls(message.get("tool_calls"), where, dropped)
    thinking, plan = _reasoning(message, bool(calls))
    if thinking and not any(part["type"] == "thinking" for part in parts):
        parts = [{"type": "thinking", "thinking": thinking}, *parts]
    out: dict[str, Any] = {"role": "assistant"}
    if calls:
        out["tool_calls"] = calls
        if plan:
            out["tool_plan"] = plan
    if parts:
        out["content"] = given if isinstance(given, str) and len(parts) == 1 and not thinking else parts
    citations = message.get("citations")
    if isinstance(citations, list) and citations and all(isinstance(citation, dict) for citation in citations):
        out["citations"] = citations
    return out if calls or parts else None


ROLES = {"system": _system, "developer": _system, "user": _user, "assistant": _assistant, "tool": _tool}


def _content(content: Any, where: str, dropped: list[str], taken: frozenset[str]) -> Any:
    """Text as text, parts as the parts that this role may have. Names the others."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise refuse(f"'{where}.content' must be text or a list of parts.", f"{where}.content")
    out = []
    for index, part in enumerate(content):
        rendered = _part({"type": "text", "text": part} if isinstance(part, str) else part, taken)
        if rendered is None:
            dropped.append(f"{where}.content[{index}]")
        else:
            out.append(rendered)
    return out or ""


def _part(part: Any, taken: frozenset[str]) -> dict[str, Any] | None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in taken:
        return None
    if kind in ("text", "refusal"):
        return {"type": "text", "text": part[kind]} if isinstance(part.get(kind), str) else None
    if kind == "thinking":
        return {"type": "thinking", "thinking": part[kind]} if isinstance(part.get(kind), str) else None
    if kind == "document":
        return _document(part.get("document"))
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str):
        return None
    out: dict[str, Any] = {"url": url}
    if isinstance(image, dict) and image.get("detail") in DETAILS:
        out["detail"] = image["detail"]
    return {"type": "image_url", "image_url": out}


def _document(document: Any) -> dict[str, Any] | None:
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        return None
    return {"type": "document", "document": document}


def _calls(calls: Any, where: str, dropped: list[str]) -> list[dict[str, Any]]:
    out = []
    for index, call in enumerate(calls if isinstance(calls, list) else []):
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not isinstance(call.get("id"), str):
            dropped.append(f"{where}.tool_calls[{index}]")
            continue
        called = {"name": escape_name(name), "arguments": _arguments(function.get("arguments"))}
        out.append({"id": fitting(call["id"], SIXTY_FOUR), "type": "function", "function": called})
    return out


def _arguments(given: Any) -> str:
    if isinstance(given, str):
        return given if given.strip() else "{}"
    return "{}" if given is None else json.dumps(given)


def _reasoning(message: Mapping[str, Any], called: bool) -> tuple[str, str]:
    """Earlier reasoning as (thinking, plan): as ``reasoning_details`` say, else the plan of an answer with tool calls,
    which every model takes, and the thinking of any other."""
    details = message.get("reasoning_details")
    texts = {THINKING: "", PLAN: ""}
    for detail in details if isinstance(details, list) else []:
        form = detail.get("format") if isinstance(detail, dict) else None
        if isinstance(form, str) and form in texts and isinstance(detail.get("text"), str):
            texts[form] += detail["text"]
    if any(texts.values()):
        return texts[THINKING], texts[PLAN]
    for key in ("reasoning_content", "reasoning"):
        text = message.get(key)
        if isinstance(text, str) and text:
            return ("", text) if called else (text, "")
    return "", ""
