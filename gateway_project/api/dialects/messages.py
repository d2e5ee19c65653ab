"""The messages of a chat, inbound: what every vendor would refuse is refused here, by name. ◇

What one vendor has a word for and others have not is left to the adapters. Source: OpenAI API reference, chat
completions; the parts of content of Anthropic, Cohere, Mistral, Perplexity and vLLM.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

from gateway_project.api.dialects.base import InvalidRequest, missing, wrong_type, wrong_value

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
PARTS = frozenset(
    {
        *("text", "input_text", "output_text", "refusal", "thinking", "redacted_thinking", "reasoning"),
        *("image_url", "input_image", "image", "image_embeds"),
        *("video_url", "input_video", "video", "audio_url", "input_audio", "audio", "audio_embeds"),
        *("file", "input_file", "file_url", "pdf_url", "document", "document_url", "container_upload"),
        *("reference", "search_result", "tool_reference"),
    }
)
TOOL_PARTS = ("tool_use", "tool_result")  # Anthropic's; those of its own tools end so
WEB = re.compile(r"https?://[^/\s]", re.I)
STORES = ("gs://", "oss://")  # that Google and Alibaba read from
DATA_URL = re.compile(r"data:([^,]*),", re.I)
BASE64 = f"{string.ascii_letters}{string.digits}+/-_".encode()


def read_messages(body: Mapping[str, Any]) -> list[Any]:
    """The request's messages, with ``system_message`` before them. Raises ``InvalidRequest`` naming what is wrong."""
    messages = body.get("messages")
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list):
        raise wrong_type("messages", "an array")
    if not messages:
        raise InvalidRequest("'messages' must hold at least one message.", "messages", "empty_array")
    for index, message in enumerate(messages):
        _message(message, f"messages[{index}]")
    system = body.get("system_message")
    return [{"role": "system", "content": system}, *messages] if system else messages


def _message(message: Any, path: str) -> None:
    if not isinstance(message, dict):
        raise wrong_type(path, "an object")
    role = message.get("role")
    if role is None:
        raise missing(f"{path}.role")
    if not isinstance(role, str):
        raise wrong_type(f"{path}.role", "a string")
    if role not in ROLES:
        raise wrong_value(f"{path}.role", f"one of {', '.join(ROLES)}")
    content = message.get("content")
    if content is None:
        if role not in ("assistant", "function"):
            raise missing(f"{path}.content")
    elif isinstance(content, list):
        for index, part in enumerate(content):
            _part(part, f"{path}.content[{index}]")
    elif not isinstance(content, str):
        raise wrong_type(f"{path}.content", "a string or an array of parts")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise missing(f"{path}.tool_call_id")
    _functions(message, path)
    _tool_calls(message.get("tool_calls"), path)


def _part(part: Any, path: str) -> None:
    if not isinstance(part, dict):
        raise wrong_type(path, "an object with a 'type'")
    kind = part.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    if not isinstance(kind, str):
        raise wrong_type(f"{path}.type", "a string")
    if kind not in PARTS and not kind.endswith(TOOL_PARTS):
        raise wrong_value(f"{path}.type", "a type of content, such as text, image_url, input_audio or file")
    if kind == "text" and part.get("text") is None:
        raise missing(f"{path}.text")
    if not isinstance(part.get("text", ""), str):
        raise wrong_type(f"{path}.text", "a string")
    if kind == "image_url":
        _picture(part.get("image_url"), f"{path}.image_url")


def _picture(image: Any, path: str) -> None:
    """``{"url"}``, or the URL itself as Mistral has it."""
    path, url = (path, image) if isinstance(image, str) else (f"{path}.url", image)
    if isinstance(image, dict):
        url = image.get("url")
    if url is None:
        raise missing(path)
    if not isinstance(url, str):
        raise wrong_type(path, "a string")
    data = DATA_URL.match(url)
    if data is None:
        if not WEB.match(url) and not url.lower().startswith(STORES):
            raise wrong_value(path, "an http or https address, or a data URL")
    elif not _readable(url[data.end() :], data[1].lower().rpartition(";")[2].strip() == "base64"):
        raise wrong_value(path, "a data URL that holds a picture, in valid base64")


def _readable(data: str, encoded: bool) -> bool:
    """base64 in either alphabet, with or without its end: Google takes all of them. Not decoded: that takes long."""
    if not encoded:
        return bool(data)
    try:
        letters = data.encode("ascii").translate(None, b" \t\r\n").rstrip(b"=")
    except UnicodeEncodeError:
        return False
    return len(letters) % 4 != 1 and bool(letters) and not letters.translate(None, BASE64)


def _functions(message: Mapping[str, Any], path: str) -> None:
    """A call or a result in the form before there were tools."""
    called = message.get("function_call")
    if called is not None and (not isinstance(called, dict) or not isinstance(called.get("name"), str)):
        raise missing(f"{path}.function_call.name")
    if message.get("role") == "function" and not isinstance(message.get("name"), str):
        raise missing(f"{path}.name")


def _tool_calls(calls: Any, path: str) -> None:
    if calls is None:
        return
    path = f"{path}.tool_calls"
    if not isinstance(calls, list):
        raise wrong_type(path, "an array")
    for index, call in enumerate(calls):
        where = f"{path}[{index}]"
        if not isinstance(call, dict):
            raise wrong_type(where, "an object")
        function = call.get("function")
        if call.get("type", "function") == "function" and (
            not isinstance(function, dict) or not isinstance(function.get("name"), str)
        ):
            raise missing(f"{where}.function.name")
