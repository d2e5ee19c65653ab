"""Messages of a chat request in the inner form → Ollama's. ◇

Content is one text; images are bare base64 beside it; arguments of calls are objects.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from providers.adapters.base import decode
from providers.errors import RequestRejected

ROLES: Mapping[str, str] = {
    **{role: role for role in ("system", "user", "assistant", "tool")},
    "developer": "system",
}
TEXTS = ("text", "refusal", "input_text", "output_text")
DATA_URL = re.compile(r"data:[^,]*,", re.I)
BASE64 = re.compile(r";\s*base64\s*,$", re.I)
STANDARD = str.maketrans("-_", "+/")  # of the alphabet for addresses


def refuse(message: str, param: str) -> RequestRejected:
    """The error for a request that cannot be said at all."""
    return RequestRejected(message, status=400, type="invalid_request_error", code="unsupported_parameter", param=param)


def render_messages(messages: Any, dropped: list[str]) -> list[dict[str, Any]]:
    """Messages → Ollama's. Names in ``dropped`` what is lost. Raises ``RequestRejected`` where there is none."""
    if not isinstance(messages, list):
        raise refuse("'messages' must be a list.", "messages")
    names: dict[str, str] = {}
    out = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in ROLES:
            raise refuse(f"'{where}' has no role that can be passed on to Ollama.", where)
        rendered: dict[str, Any] = {"role": ROLES[role], **_content(message, where, dropped)}
        if ROLES[role] == "tool":
            rendered.update(_result(message, names))
        elif message.get("name"):
            dropped.append(f"{where}.name")
        if role == "assistant":
            rendered.update(_answer(message, where, names, dropped))
        out.append(rendered)
    return out


def _content(message: Mapping[str, Any], where: str, dropped: list[str]) -> dict[str, Any]:
    """``content`` and ``images``; texts are joined by newlines, other kinds of parts are named."""
    content = message.get("content")
    if message.get("refusal"):
        if content:
            dropped.append(f"{where}.refusal")
        content = content or message["refusal"]
    if content is None or isinstance(content, str):
        return {"content": content or ""}
    if not isinstance(content, list):
        raise refuse(f"'{where}.content' must be text or a list of parts.", f"{where}.content")
    texts: list[str] = []
    images: list[str] = []
    for index, part in enumerate(content):
        text, image = _part(part)
        if text is not None:
            texts.append(text)
        elif image is not None:
            images.append(image)
            if isinstance(part["image_url"], dict) and part["image_url"].get("detail") not in (None, "auto"):
                dropped.append(f"{where}.content[{index}].image_url.detail")
        else:
            dropped.append(f"{where}.content[{index}]")
    return {"content": "\n".join(texts), **({"images": images} if images else {})}


def _part(part: Any) -> tuple[str | None, str | None]:
    """(text, None), (None, image), or (None, None) for what Ollama has no word for."""
    if isinstance(part, str):
        return part, None
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in TEXTS:
        text = part.get("refusal" if kind == "refusal" else "text")
        return (text, None) if isinstance(text, str) else (None, None)
    if kind != "image_url":
        return None, None
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    return None, _image(url) if isinstance(url, str) else None


def _image(url: str) -> str | None:
    """A data URL's content as base64; None for an address: Ollama fetches nothing."""
    found = DATA_URL.match(url)
    if found is None:
        return None
    data = url[found.end() :]
    if not BASE64.search(found[0]):
        return base64.b64encode(unquote_to_bytes(data)).decode()
    data = "".join(data.split()).translate(STANDARD).rstrip("=")
    data += "=" * (-len(data) % 4)
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data


def _result(message: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Which call a tool's result answers: the function's name, which older servers go by, and the id."""
    identifier = message.get("tool_call_id")
    known = names.get(identifier) if isinstance(identifier, str) else None
    name = message.get("name") or known
    out: dict[str, Any] = {}
    if isinstance(name, str):
        out["tool_name"] = name
    if isinstance(identifier, str) and identifier:
        out["tool_call_id"] = identifier
    return out


def _answer(message: Mapping[str, Any], where: str, names: dict[str, str], dropped: list[str]) -> dict[str, Any]:
    """Earlier thinking and calls of the model. Fills ``names``: id of a call → function."""
    out: dict[str, Any] = {}
    if message.get("audio"):
        dropped.append(f"{where}.audio")
    for key in ("reasoning_content", "reasoning"):
        thinking = message.get(key)
        if isinstance(thinking, str) and thinking:
            out["thinking"] = thinking
            break
    calls = []
    given = message.get("tool_calls")
    for index, call in enumerate(given if isinstance(given, list) else []):
        place = f"{where}.tool_calls[{index}]"
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not name:
            dropped.append(place)
            continue
        called: dict[str, Any] = {"function": {"name": name, "arguments": _arguments(function, place)}}
        if isinstance(call.get("id"), str) and call["id"]:
            names[call["id"]] = name
            called = {"id": call["id"], **called}
        calls.append(called)
    return {**out, "tool_calls": calls} if calls else out


def _arguments(function: Mapping[str, Any], place: str) -> dict[str, Any]:
    given = function.get("arguments")
    try:
        arguments = decode(given) if isinstance(given, str) and given.strip() else given or {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        param = f"{place}.function.arguments"
        raise refuse(f"'{param}' must be a JSON object.", param)
    return arguments
