"""Transcriptions: OpenAI's form outwards; replies and streams of those who speak it → the inner form. ◇

The inner form is chat's, so that an answer is watched, counted and recorded like any other: what was heard is the
content of a message or delta. What the caller is told stands beside it under ``transcript``: a whole reply's JSON (a
string where the answer is a text file), or one event of a stream.

Streams: OpenAI's ``transcript.text.*`` events; Mistral's ``transcription.*``; vLLM's chunks in the manner of chat. All
become OpenAI's. Source: OpenAI API reference, audio transcriptions; mistralai SDK; vLLM's protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers import faults
from providers.adapters import openai_reply as reply
from providers.adapters.base import load
from providers.adapters.multipart import render_form
from providers.adapters.openai_request import render_body
from providers.adapters.streaming import NO_STREAM, EventStreamParser
from providers.chat import Call, usage
from providers.errors import MalformedReply, Unsupported
from providers.wire import Rendered, Target

DELTA, SEGMENT, DONE = "transcript.text.delta", "transcript.text.segment", "transcript.text.done"
PAGES = (b"<!doctype", b"<html")  # a web page is nobody's transcript
MADE_OF_JSON = ("json", "text")
NOT_ONE = "The upstream's reply is no transcription."


def render_transcription(call: Call, target: Target, path: str) -> Rendered:
    """The caller's form and file, with the vendor's names. Raises ``Unsupported`` (400)."""
    fields, dropped = render_body(call, target)
    if "response_format" in dropped:
        check_format(call, target)
        dropped = tuple(name for name in dropped if name != "response_format")
    return rendered_form(fields, call, path, dropped)


def check_format(call: Call, target: Target) -> None:
    """For vendors that answer JSON alone: raises ``Unsupported`` where the caller's format cannot be made of it."""
    wanted = call.body.get("response_format", "json")
    if wanted not in MADE_OF_JSON:
        raise unsupported("response_format", f"'{target.upstream_model}' gives no transcription as '{wanted}'.")


def unsupported(param: str, message: str) -> Unsupported:
    """What one vendor cannot do, and another may."""
    return Unsupported(message, status=400, type="invalid_request_error", code="unsupported_parameter", param=param)


def rendered_form(fields: Mapping[str, Any], call: Call, path: str, dropped: tuple[str, ...]) -> Rendered:
    """A form with the call's file, and the headers that say so."""
    assert call.upload is not None
    body, media_type = render_form(fields, call.upload)
    accept = "text/event-stream, application/json" if call.stream else "*/*"
    return Rendered(path, body, {"Content-Type": media_type, "Accept": accept}, dropped=dropped)


def parse_transcription(payload: bytes, model: str) -> dict[str, Any]:
    """A whole reply, JSON or (for text, srt, vtt) a text file → the inner form.

    Raises ``MalformedReply``, or what an error in a 200 means.
    """
    told = _told(payload)
    text = told if isinstance(told, str) else told["text"]
    counted = None
    if not isinstance(told, str):
        told["usage"], counted = _usage(told.get("usage"))
        if told["usage"] is None:
            del told["usage"]
    message = {"role": "assistant", "content": text}
    return {
        **reply.head({} if isinstance(told, str) else told, model, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        **({} if counted is None else {"usage": counted}),
        "transcript": told,
    }


class TranscriptStream(EventStreamParser):
    """See ``EventStreamParser``."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self._heard: list[str] = []
        self._final: dict[str, Any] | None = None
        self._usage: Any = None

    def _event(self, raw: Any, name: str | None) -> list[dict[str, Any]]:
        if not isinstance(raw, dict):
            raise MalformedReply("The upstream sent an event that is not a JSON object.")
        kind = raw.get("type") or name or ""
        if kind == "error" and not raw.get("error"):
            raise faults.within(raw)
        reply.raise_error(raw)
        if isinstance(raw.get("choices"), list):
            return self._chat_chunk(raw)
        text = next((raw[key] for key in ("delta", "text") if isinstance(raw.get(key), str)), "")
        if kind.endswith("text.delta"):
            return self._said(text, {**_without(raw, "text"), "type": DELTA, "delta": text})
        if kind.endswith(".segment"):
            return self._segment(raw, text)
        if kind.endswith(".done"):
            self._final = {**raw, "type": DONE, "text": text or "".join(self._heard)}
            self._usage = raw.get("usage")
        return []

    def _chat_chunk(self, raw: dict[str, Any]) -> list[dict[str, Any]]:
        """vLLM: the text in ``choices[0].delta.content``; usage in a last chunk without choices."""
        self._usage = raw.get("usage") or self._usage
        out: list[dict[str, Any]] = []
        for choice in raw["choices"]:
            delta = choice.get("delta") if isinstance(choice, dict) else None
            text = delta.get("content") if isinstance(delta, dict) else None
            if isinstance(text, str) and text:
                out += self._said(text, {"type": DELTA, "delta": text})
            if isinstance(choice, dict) and choice.get("finish_reason"):
                reply.failed(choice["finish_reason"], choice)
                self._final = {"type": DONE}
        return out

    def _segment(self, raw: dict[str, Any], text: str) -> list[dict[str, Any]]:
        """A part of the speech with its times; Mistral says ``speaker_id`` and gives no ids."""
        speaker = raw.get("speaker", raw.get("speaker_id"))
        event = {"id": f"seg_{len(self._heard)}", **_without(raw, "speaker_id"), "type": SEGMENT, "text": text}
        return self._said(text, event if speaker is None else {**event, "speaker": speaker}, heard=False)

    def _said(self, text: str, event: dict[str, Any], heard: bool = True) -> list[dict[str, Any]]:
        if heard:
            self._heard.append(text)
        return [self._chunk({"content": text}, event)]

    def _chunk(self, delta: dict[str, Any], event: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"model": self._model, "choices": [choice], "transcript": event}

    def _ended(self) -> bool:
        return self._final is not None

    def _finish(self) -> list[dict[str, Any]]:
        told, counted = _usage(self._usage)
        event = {"text": "".join(self._heard), **_without(self._final or {}, "usage")}
        last = self._chunk({}, event if told is None else {**event, "usage": told}, "stop")
        return [last if counted is None else {**last, "usage": counted}]

    def _whole(self, payload: bytes) -> list[dict[str, Any]]:
        """A server that does not stream: all that was heard in one delta, then the end."""
        try:
            whole = parse_transcription(payload, self._model)["transcript"]
        except MalformedReply as error:
            raise MalformedReply(NO_STREAM) from error
        if isinstance(whole, str):
            raise MalformedReply(NO_STREAM)
        self._final, self._usage = {"type": DONE, "text": whole["text"]}, whole.get("usage")
        self.done = self.complete = True
        return [*self._said(whole["text"], {"type": DELTA, "delta": whole["text"]}), *self._finish()]


def _told(payload: bytes) -> Any:
    """A JSON object with a ``text``, or the text that the payload is."""
    start = payload.lstrip()[:16]
    if start.lower().startswith(PAGES):
        raise MalformedReply(NOT_ONE)
    if not start.startswith(b"{"):
        return payload.decode("utf-8-sig", "replace")
    raw = load(payload)
    reply.raise_error(raw)
    if not isinstance(raw.get("text"), str):
        raise MalformedReply(NOT_ONE)
    return raw


def _usage(given: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """A vendor's usage → (as OpenAI says it of transcriptions, as it is counted). Seconds are nobody's tokens."""
    if not isinstance(given, Mapping) or not given:
        return None, None
    told = dict(given)
    if "input_tokens" in told or "output_tokens" in told:
        told = {"type": "tokens", **told}
        words = {"prompt_tokens": told.get("input_tokens"), "completion_tokens": told.get("output_tokens")}
        return told, usage({**words, "total_tokens": told.get("total_tokens")})
    counted = usage(given)
    if counted is not None and counted["total_tokens"]:
        figures = {"input_tokens": counted["prompt_tokens"], "output_tokens": counted["completion_tokens"]}
        return {"type": "tokens", **told, **figures, "total_tokens": counted["total_tokens"]}, counted
    return ({"type": "duration", **told} if "seconds" in told else told), None


def _without(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}
