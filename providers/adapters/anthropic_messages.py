"""Messages of a chat request → system blocks and turns of Anthropic's Messages format. ◇

Source: Anthropic API reference, Messages. Turns of one role are joined; results of tools come first in the user's turn;
earlier thinking goes back where it stood, if it carries its signature.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from providers.errors import RequestRejected
from providers.ids import PLAIN, fitting

FILLER = "."
GO_ON = "Continue."
FORMAT = "anthropic-claude-v1"
IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
DATA = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.I)
NATIVE = frozenset({"image", "document", "search_result"})
SYSTEM = ("system", "developer")
Block = dict[str, Any]


def render_messages(messages: list[Any], dropped: list[str]) -> tuple[list[Block], list[Block]]:
    """Messages → (system blocks, turns). Names in ``dropped`` what cannot be said.

    Leading system messages are the system's; later ones become the user's words, so that what was cached before them
    stays so. Raises ``RequestRejected`` for a tool call whose arguments are not a JSON object.
    """
    system: list[Block] = []
    turns: list[Block] = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role in SYSTEM:
            _name(message, where, dropped)
            blocks = _content(message.get("content"), f"{where}.content", dropped)
            if not turns:
                system += [block for block in blocks if block["type"] == "text"]
                if any(block["type"] != "text" for block in blocks):
                    dropped.append(f"{where}.content")
            else:
                _add(turns, "user", blocks)
        elif role == "user":
            _name(message, where, dropped)
            _add(turns, "user", _content(message.get("content"), f"{where}.content", dropped) or [_text(FILLER)])
        elif role == "assistant":
            _name(message, where, dropped)
            _add(turns, "assistant", _assistant(message, where, dropped))
        elif role == "tool":
            _add(turns, "user", [_result(message, where, dropped)])
        else:
            dropped.append(where)
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": [_text(FILLER)]})
    return system, [_sorted(turn) for turn in turns]


def call_id(identifier: Any) -> str:
    """A tool call's id in the letters that are taken."""
    return fitting(identifier if isinstance(identifier, str) else json.dumps(identifier, default=str), PLAIN)


def end_turn(turns: list[Block], prefill: bool, where: str, dropped: list[str]) -> None:
    """Mends a last turn that is the assistant's: it may not end in blanks, and not every model goes on from it."""
    if turns[-1]["role"] != "assistant" or any(block["type"] == "tool_use" for block in turns[-1]["content"]):
        return
    if not prefill:
        dropped.append(where)
        turns.append({"role": "user", "content": [_text(GO_ON)]})
        return
    last = turns[-1]["content"][-1]
    if last["type"] == "text":
        kept = last["text"].rstrip()
        blocks = [*turns[-1]["content"][:-1], *([{**last, "text": kept}] if kept else [])]
        if blocks:
            turns[-1] = {**turns[-1], "content": blocks}
        else:
            turns.pop()


def _add(turns: list[Block], role: str, blocks: list[Block]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1] = {"role": role, "content": [*turns[-1]["content"], *blocks]}
    else:
        turns.append({"role": role, "content": blocks})


def _sorted(turn: Block) -> Block:
    blocks = turn["content"]
    if turn["role"] == "user" and any(block["type"] == "tool_result" for block in blocks):
        blocks = sorted(blocks, key=lambda block: block["type"] != "tool_result")
    return {**turn, "content": blocks}


def _name(message: Mapping[str, Any], where: str, dropped: list[str]) -> None:
    if message.get("name"):
        dropped.append(f"{where}.name")


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _content(content: Any, where: str, dropped: list[str]) -> list[Block]:
    """Text or parts → blocks, without blank ones (which are refused)."""
    if isinstance(content, str):
        return [_text(content)] if content.strip() else []
    blocks = []
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, dict) and _has_detail(part):
            dropped.append(f"{where}[{index}].image_url.detail")
        block = _part(part) if isinstance(part, dict) else _text(part) if isinstance(part, str) else None
        if block is None:
            dropped.append(f"{where}[{index}]")
        elif block["type"] != "text" or block["text"].strip():
            mark = part.get("cache_control") if isinstance(part, dict) else None
            blocks.append({**block, "cache_control": mark} if isinstance(mark, dict) else block)
    return blocks


def _part(part: Mapping[str, Any]) -> Block | None:
    """One part → a block; None for what the format has no block for."""
    kind = part.get("type")
    if kind in ("text", "input_text", "output_text", "refusal"):
        text = part.get("refusal") if kind == "refusal" else part.get("text")
        return _text(text) if isinstance(text, str) else None
    if kind == "image_url":
        image = part.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        return _image(url) if isinstance(url, str) else None
    if kind == "file":
        file = part.get("file")
        return _file(file) if isinstance(file, dict) else None
    if isinstance(kind, str) and kind in NATIVE and (isinstance(part.get("source"), dict) or kind == "search_result"):
        return {**part}
    return None


def _has_detail(part: Mapping[str, Any]) -> bool:
    image = part.get("image_url")
    return isinstance(image, dict) and image.get("detail") not in (None, "auto")


def _image(url: str) -> Block | None:
    if url[:5].lower() != "data:":
        return {"type": "image", "source": {"type": "url", "url": url}}
    media, data = _data(url)
    if media == "image/jpg":
        media = "image/jpeg"
    if media not in IMAGES or not data:
        return None
    return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}


def _file(file: Mapping[str, Any]) -> Block | None:
    """PDF and plain text as data URLs, http(s) URLs of PDFs, and ids of the vendor's own files."""
    title = file.get("filename")
    titled = {"title": title} if isinstance(title, str) and title else {}
    data, identifier = file.get("file_data"), file.get("file_id")
    source: Block | None = None
    if isinstance(data, str) and data[:4].lower() == "http":
        source = {"type": "url", "url": data}
    elif isinstance(data, str):
        media, encoded = _data(data) if data[:5].lower() == "data:" else ("application/pdf", data)
        if media == "application/pdf" and encoded:
            source = {"type": "base64", "media_type": media, "data": encoded}
        elif media.startswith("text/") and encoded:
            text = base64.b64decode(encoded).decode("utf-8", "replace")
            source = {"type": "text", "media_type": "text/plain", "data": text}
    elif isinstance(identifier, str):
        source = {"type": "file", "file_id": identifier}
    return None if source is None else {"type": "document", "source": source, **titled}


def _data(url: str) -> tuple[str, str]:
    """A data URL → (media type, bare base64); base64 is "" where the URL is not valid base64."""
    found = DATA.match(url)
    if not found or ";base64" not in found[2].lower():
        return "", ""
    data = "".join(url[found.end() :].split())
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return found[1].lower(), ""
    return found[1].lower(), data


def _result(message: Mapping[str, Any], where: str, dropped: list[str]) -> Block:
    out: Block = {"type": "tool_result", "tool_use_id": call_id(message.get("tool_call_id"))}
    content = message.get("content")
    if isinstance(content, list):
        content = _content(content, f"{where}.content", dropped)
    if content:
        out["content"] = content
    if message.get("is_error") is True:
        out["is_error"] = True
    mark = message.get("cache_control")
    return {**out, "cache_control": mark} if isinstance(mark, dict) else out


def _assistant(message: Mapping[str, Any], where: str, dropped: list[str]) -> list[Block]:
    said = _content(message.get("content"), f"{where}.content", dropped)
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        said.append(_text(refusal))
    calls = message.get("tool_calls")
    for index, call in enumerate(calls if isinstance(calls, list) else ()):
        said.append(_call(call, f"{where}.tool_calls[{index}]"))
    if message.get("audio"):
        dropped.append(f"{where}.audio")
    return _woven(_thinking(message), said)


def _call(call: Any, where: str) -> Block:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str):
        raise _refused(f"{where} is not a function's call.", where)
    given = function.get("arguments")
    try:
        arguments = json.loads(given) if isinstance(given, str) and given.strip() else given or {}
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise _refused(f"{where}.function.arguments is not a JSON object.", f"{where}.function.arguments")
    return {"type": "tool_use", "id": call_id(call.get("id")), "name": name, "input": arguments}


def _refused(message: str, param: str) -> RequestRejected:
    return RequestRejected(message, status=400, type="invalid_request_error", code="invalid_value", param=param)


def _thinking(message: Mapping[str, Any]) -> list[tuple[int, Block]]:
    """Earlier thinking with its place: from ``reasoning_details``, else ``thinking_blocks``; unsigned is left out.

    Details of one index are pieces of one block.
    """
    blocks: dict[int, Block] = {}
    details = message.get("reasoning_details")
    for position, detail in enumerate(details if isinstance(details, list) else ()):
        if not isinstance(detail, dict) or not str(detail.get("format") or FORMAT).startswith("anthropic"):
            continue
        index = detail.get("index")
        index = index if isinstance(index, int) else position
        if detail.get("type") == "reasoning.encrypted" and isinstance(detail.get("data"), str):
            blocks[index] = {"type": "redacted_thinking", "data": detail["data"]}
        elif detail.get("type") == "reasoning.text":
            block = blocks.setdefault(index, {"type": "thinking", "thinking": "", "signature": ""})
            if block["type"] == "thinking":
                block["thinking"] += str(detail.get("text") or "")
                block["signature"] += str(detail.get("signature") or "")
    given = message.get("thinking_blocks")
    if not blocks and isinstance(given, list):
        blocks = {index: {**block} for index, block in enumerate(given) if isinstance(block, dict)}
    kept = (item for item in sorted(blocks.items(), key=lambda item: item[0]))
    return [(index, block) for index, block in kept if block.get("signature") or block.get("data")]


def _woven(thoughts: list[tuple[int, Block]], said: list[Block]) -> list[Block]:
    """Thinking at the places it had among the other blocks."""
    if not said:
        return []
    out: list[Block] = []
    rest = iter(said)
    for index, block in thoughts:
        while len(out) < index:
            other = next(rest, None)
            if other is None:
                break
            out.append(other)
        out.append(block)
    return [*out, *rest]
