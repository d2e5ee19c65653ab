"""Messages of a chat request → Gemini's systemInstruction and contents. ◇

Source: Gemini API reference, Content and Part. Results of tools follow the calls in one content, in the order of the
calls; signatures of earlier answers go back to the parts that they came with. Names in ``dropped`` what cannot be said.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from providers.adapters import gemini_signatures as signatures
from providers.adapters.base import decode
from providers.errors import RequestRejected

SYSTEM = ("system", "developer")
# Places that Google reads from by itself; other URLs would have to be fetched first.
OWN_URLS = re.compile(
    r"^(gs://|https://generativelanguage\.googleapis\.com/|https?://(www\.|m\.)?(youtube\.com/|youtu\.be/))", re.I
)
DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),(.*)", re.I | re.S)
BLANK = {"text": " "}


def render_messages(messages: Any, signed: bool, dropped: list[str]) -> tuple[dict[str, Any] | None, list[Any]]:
    """Messages → (systemInstruction or None, contents). ``signed``: the model refuses calls without a signature.

    Raises ``RequestRejected`` for what is no message at all.
    """
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise rejected("'messages' must be a list of objects.", "messages")
    system: list[dict[str, Any]] = []
    contents: list[dict[str, Any]] = []
    names: dict[str, str] = {}
    for index, message in enumerate(messages):
        role, where = message.get("role"), f"messages[{index}]"
        if message.get("name") and role != "tool":
            dropped.append(f"{where}.name")
        if role in SYSTEM and not contents:
            system += _parts(message.get("content"), where, dropped)
        elif role == "assistant":
            names.update(_names(message))
            _add(contents, "model", _answer(message, signed, where, dropped))
        elif role == "tool":
            _result(contents, message, names, where, dropped)
        elif role == "user" or role in SYSTEM:
            _add(contents, "user", _parts(message.get("content"), where, dropped) or [BLANK])
        else:
            raise rejected(f"'{where}.role' is not a role that is known.", f"{where}.role")
    contents = [_in_order(content, before) for content, before in zip(contents, [None, *contents], strict=False)]
    return ({"parts": system} if system else None), contents or [{"role": "user", "parts": [BLANK]}]


def rejected(message: str, param: str) -> RequestRejected:
    """The error of a request that cannot be said in Gemini's words."""
    return RequestRejected(message, status=400, type="invalid_request_error", param=param)


def _add(contents: list[dict[str, Any]], role: str, parts: list[dict[str, Any]]) -> None:
    """Appends a turn. Neighbours of one role become one, but results of tools keep a content of their own."""
    if not parts:
        return
    last = contents[-1] if contents else None
    if last is not None and last["role"] == role and not _is_results(last):
        contents[-1] = {**last, "parts": [*last["parts"], *parts]}
    else:
        contents.append({"role": role, "parts": parts})


def _is_results(content: Mapping[str, Any]) -> bool:
    return "functionResponse" in content["parts"][0]


def _names(message: Mapping[str, Any]) -> dict[str, str]:
    """The names of an answer's tool calls by id, as results refer to them."""
    out = {}
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and isinstance(call.get("id"), str) and isinstance(function.get("name"), str):
            out[call["id"]] = function["name"]
            out[signatures.split_id(call["id"])[0]] = function["name"]
    return out


def _answer(message: dict[str, Any], signed: bool, where: str, dropped: list[str]) -> list[dict[str, Any]]:
    """An earlier answer: text, pictures, then calls. Its reasoning is not sent again; its signatures are."""
    parts = _parts(message.get("content"), where, dropped)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append({"text": refusal})
    images = message.get("images")
    parts += _parts(images, f"{where}.images", dropped) if isinstance(images, list) else []
    signature = signatures.of_text(message)
    if signature:
        if not parts:
            parts.append({"text": ""})
        parts[-1] = {**parts[-1], "thoughtSignature": signature}
    calls = message.get("tool_calls")
    made = []
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        made.append(_call(call, message, f"{where}.tool_calls[{number}]"))
    if message.get("audio"):
        dropped.append(f"{where}.audio")
    if made and signed and not any("thoughtSignature" in part for part in made):
        made[0] = {**made[0], "thoughtSignature": signatures.SKIP}
    return parts + made


def _call(call: Any, message: dict[str, Any], where: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise rejected(f"'{where}' is not a call of a function.", where)
    given = function.get("arguments")
    try:
        arguments = decode(given) if isinstance(given, str) and given.strip() else given or {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise rejected(f"'{where}.function.arguments' must be a JSON object.", f"{where}.function.arguments")
    out: dict[str, Any] = {"name": function["name"], "args": arguments}
    if isinstance(call.get("id"), str) and call["id"]:
        out = {"id": signatures.split_id(call["id"])[0], **out}
    signature = signatures.of_call(call, message)
    return {"functionCall": out, "thoughtSignature": signature} if signature else {"functionCall": out}


def _result(
    contents: list[dict[str, Any]], message: dict[str, Any], names: Mapping[str, str], where: str, dropped: list[str]
) -> None:
    """Adds a tool's result to the content of results that follows the calls. Pictures come after all results."""
    given = message.get("tool_call_id")
    identifier = signatures.split_id(given)[0] if isinstance(given, str) else ""
    name = names.get(identifier) or message.get("name")
    if not isinstance(name, str) or not name:
        raise rejected(f"'{where}.tool_call_id' names no call of this conversation.", f"{where}.tool_call_id")
    parts = _parts(message.get("content"), where, dropped)
    texts = [part["text"] for part in parts if "text" in part]
    said: dict[str, Any] = {"name": name, "response": _object("\n".join(texts))}
    if identifier:
        said = {"id": identifier, **said}
    media = [part for part in parts if "text" not in part]
    last = contents[-1] if contents else None
    if last is not None and last["role"] == "user" and _is_results(last):
        before = [part for part in last["parts"] if "functionResponse" in part]
        after = [part for part in last["parts"] if "functionResponse" not in part]
        contents[-1] = {**last, "parts": [*before, {"functionResponse": said}, *after, *media]}
    else:
        contents.append({"role": "user", "parts": [{"functionResponse": said}, *media]})


def _object(text: str) -> dict[str, Any]:
    """A result as the object that Gemini wants: a JSON object as it is, other text under "output"."""
    try:
        value = decode(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"output": text}


def _in_order(content: dict[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Results in the order of the calls before them: Gemini tells calls of one function apart by their order."""
    if before is None or not _is_results(content):
        return content
    called = [part["functionCall"].get("id") for part in before["parts"] if "functionCall" in part]

    def place(part: Mapping[str, Any]) -> int:
        identifier = part["functionResponse"].get("id") if "functionResponse" in part else None
        return called.index(identifier) if identifier in called else len(called)

    return {**content, "parts": sorted(content["parts"], key=place)}


def _parts(content: Any, where: str, dropped: list[str]) -> list[dict[str, Any]]:
    """Content of a message → parts; empty text is left out."""
    if isinstance(content, str):
        return [{"text": content}] if content else []
    out = []
    for number, part in enumerate(content if isinstance(content, list) else ()):
        place = f"{where}.content[{number}]"
        made = _part(part, place, dropped)
        if made is None:
            dropped.append(place)
        elif made != {"text": ""}:
            out.append(made)
    return out


def _part(part: Any, where: str, dropped: list[str]) -> dict[str, Any] | None:
    """One part of a message; None where Gemini has no word for it."""
    if isinstance(part, str):
        return {"text": part}
    kind = part.get("type") if isinstance(part, dict) else None
    inner = part.get(kind) if isinstance(kind, str) else None
    if kind in ("text", "input_text", "output_text", "refusal"):
        text = part.get("refusal" if kind == "refusal" else "text")
        return {"text": text} if isinstance(text, str) else None
    if kind in ("image_url", "video_url"):
        if isinstance(inner, dict) and inner.get("detail") not in (None, "auto"):
            dropped.append(f"{where}.{kind}.detail")
        return _media(inner.get("url") if isinstance(inner, dict) else inner)
    if not isinstance(inner, dict):
        return None
    if kind == "input_audio" and isinstance(inner.get("data"), str):
        return {"inlineData": {"mimeType": f"audio/{inner.get('format') or 'wav'}", "data": inner["data"]}}
    if kind == "file":
        return _media(inner.get("file_data") or inner.get("file_id"), inner.get("filename"))
    return None


def _media(url: Any, name: Any = None) -> dict[str, Any] | None:
    """A data URL inline, a place that Google reads from by reference; None for other URLs."""
    if not isinstance(url, str):
        return None
    found = DATA_URL.fullmatch(url)
    if found:
        kind, options, data = found.groups()
        if "base64" not in options.lower():
            data = base64.b64encode(unquote_to_bytes(data)).decode()
        return {"inlineData": {"mimeType": kind.lower() or "text/plain", "data": data}}
    if not OWN_URLS.match(url):
        return None
    guessed = mimetypes.guess_type(name if isinstance(name, str) else url.partition("?")[0])[0]
    return {"fileData": {"fileUri": url, **({"mimeType": guessed} if guessed else {})}}
