"""Messages of a chat request as one OpenAI-compatible vendor takes them, by its row in ``providers.quirks``. ◇"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.adapters.openai_reply import REASONING_KEYS
from providers.ids import IdRule, fitting
from providers.quirks import REASONING, Quirks

SAID = ("refusal", "audio")  # of an earlier answer, beside its content and its tool calls


def render_messages(messages: list[Any], quirks: Quirks, dropped: list[str]) -> list[Any]:
    """Messages → the vendor's. Names in ``dropped`` what is lost; reasoning of earlier turns goes silently."""
    out = []
    for index, message in enumerate(messages):
        rendered = _message(message, quirks) if isinstance(message, dict) else message
        if isinstance(message, dict):
            dropped += [f"messages[{index}].{name}" for name in _lost(message, quirks)]
        if quirks.message_keys is not None and _says_nothing(rendered):
            continue
        if quirks.names is not None and isinstance(message, dict) and message.get("name") and "name" not in rendered:
            dropped.append(f"messages[{index}].name")
        out.append(rendered)
    return _alternating(out, dropped) if quirks.alternate else out


def _message(message: Mapping[str, Any], quirks: Quirks) -> dict[str, Any]:
    role = message.get("role")
    out = {
        key: value
        for key, value in message.items()
        if (value is not None or key == "content")
        and key not in REASONING
        and (quirks.message_keys is None or key in quirks.message_keys)
    }
    out.update(_reasoning(message, quirks.reasoning))
    if isinstance(role, str) and role in quirks.roles:
        out["role"] = quirks.roles[role]
    if quirks.names is not None and role not in quirks.names:
        out.pop("name", None)
    calls = out.get("tool_calls")
    if calls == []:
        del out["tool_calls"]
    if quirks.ids is not None:
        for key in ("tool_calls", "reasoning_details"):
            if isinstance(out.get(key), list):
                out[key] = [_with_id(item, quirks.ids) for item in out[key]]
        if isinstance(out.get("tool_call_id"), str):
            out["tool_call_id"] = fitting(out["tool_call_id"], quirks.ids)
    if quirks.lost_reasoning is not None and calls and not out.get("reasoning_content"):
        out["reasoning_content"] = " "  # stands for what the client did not keep
    if quirks.text_results and role == "tool" and isinstance(out.get("content"), list):
        out["content"] = "\n".join(_part_text(part) for part in out["content"])
    if quirks.flat_parts and isinstance(out.get("content"), list):
        out["content"] = [_flat(part) for part in out["content"]]
    return out


def _flat(part: Any) -> Any:
    """A part as Mistral has it: sound as bare base64, files by id, documents by address or as data URLs."""
    kind = part.get("type") if isinstance(part, dict) else None
    inner = part.get(kind) if isinstance(kind, str) else None
    if kind == "refusal":
        return {"type": "text", "text": inner}
    if not isinstance(inner, dict):
        return part
    data, name = inner.get("file_data"), inner.get("filename")
    if kind == "input_audio" and isinstance(inner.get("data"), str):
        return {"type": kind, "input_audio": inner["data"]}
    if kind == "file" and isinstance(data, str):
        url = data if data[:5].lower() in ("data:", "http:", "https") else f"data:application/pdf;base64,{data}"
        return {"type": "document_url", "document_url": url, **({"document_name": name} if name else {})}
    if kind == "file" and isinstance(inner.get("file_id"), str):
        return {"type": kind, "file_id": inner["file_id"]}
    return part


def _reasoning(message: Mapping[str, Any], taken: tuple[str, ...]) -> dict[str, Any]:
    """Earlier reasoning under the names that the vendor takes; text is moved from the other name if need be."""
    out = {key: message[key] for key in taken if message.get(key)}
    names = [key for key in taken if key in REASONING_KEYS]
    if names and not any(key in out for key in REASONING_KEYS):
        text = next((message[key] for key in REASONING_KEYS if message.get(key)), None)
        if text is not None:
            out[names[0]] = text
    return out


def _with_id(item: Any, rule: IdRule) -> Any:
    """A tool call, or an entry of ``reasoning_details`` that names one, with an id that the vendor takes."""
    if isinstance(item, dict) and isinstance(item.get("id"), str):
        return {**item, "id": fitting(item["id"], rule)}
    return item


def _lost(message: Mapping[str, Any], quirks: Quirks) -> list[str]:
    """What of a message is meant for the model, and does not reach it."""
    keys = quirks.message_keys
    lost = [key for key in SAID if message.get(key) and keys is not None and key not in keys]
    content = message.get("content")
    if quirks.text_results and message.get("role") == "tool" and isinstance(content, list):
        lost += [f"content[{number}]" for number, part in enumerate(content) if not _part_text(part)]
    return lost


def _says_nothing(message: Any) -> bool:
    """An assistant's turn with neither content nor tool calls: a 400 at strict vendors."""
    return (
        isinstance(message, dict)
        and message.get("role") == "assistant"
        and not message.get("content")
        and not message.get("tool_calls")
    )


def _part_text(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else ""


def _alternating(messages: list[Any], dropped: list[str]) -> list[Any]:
    """Perplexity: leading system messages, then user and assistant in turns, the last one not an assistant's.

    Neighbours of one role are joined by a blank line; a later system message becomes the user's.
    """
    out: list[dict[str, Any]] = []
    for message in messages:
        if not isinstance(message, dict):
            continue
        role = message.get("role")
        if role == "system" and any(earlier["role"] != "system" for earlier in out):
            role = "user"
        if out and role != "system" and out[-1]["role"] == role:
            out[-1] = {**out[-1], "content": _joined(out[-1].get("content"), message.get("content"))}
        else:
            out.append({**message, "role": role})
    while out and out[-1]["role"] == "assistant":
        out.pop()
        dropped.append(f"messages[{len(messages) - 1}]")
    return out


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if isinstance(content, str) else []
