"""What Gemini says beside an answer, in OpenAI's words: log probabilities and citations. ◇

Source: Gemini API reference, LogprobsResult and GroundingMetadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.chat import whole


def logprobs(given: Any) -> dict[str, Any] | None:
    """LogprobsResult → OpenAI's logprobs; the n-th list of top candidates belongs to the n-th chosen token."""
    chosen = given.get("chosenCandidates") if isinstance(given, Mapping) else None
    if not isinstance(chosen, list):
        return None
    tops = given.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    content = []
    for position, token in enumerate(chosen):
        said = _token(token)
        if said is None:
            continue
        top = tops[position].get("candidates") if position < len(tops) and isinstance(tops[position], dict) else None
        others = [_token(other) for other in top] if isinstance(top, list) else []
        content.append({**said, "top_logprobs": [other for other in others if other is not None]})
    return {"content": content, "refusal": None} if content else None


def _token(given: Any) -> dict[str, Any] | None:
    token = given.get("token") if isinstance(given, Mapping) else None
    value = given.get("logProbability", 0.0) if isinstance(given, Mapping) else None
    if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", "replace"))}


def citations(grounding: Any, text: str) -> list[dict[str, Any]]:
    """Grounded segments (offsets in bytes of UTF-8) with their web pages → OpenAI's citations (offsets in letters)."""
    if not isinstance(grounding, Mapping):
        return []
    chunks, supports = grounding.get("groundingChunks"), grounding.get("groundingSupports")
    if not isinstance(chunks, list) or not isinstance(supports, list):
        return []
    data, out = text.encode("utf-8", "replace"), []
    for support in supports:
        segment = support.get("segment") if isinstance(support, dict) else None
        if not isinstance(segment, dict) or not isinstance(support.get("groundingChunkIndices"), list):
            continue
        ends = [whole(segment.get(key)) or 0 for key in ("startIndex", "endIndex")]
        start, end = (len(data[:place].decode("utf-8", "ignore")) for place in ends)
        for number in support["groundingChunkIndices"]:
            chunk = chunks[number] if isinstance(number, int) and 0 <= number < len(chunks) else None
            web = chunk.get("web") if isinstance(chunk, dict) else None
            if isinstance(web, dict) and isinstance(web.get("uri"), str):
                cited = {
                    "start_index": start,
                    "end_index": end,
                    "url": web["uri"],
                    "title": str(web.get("title") or ""),
                }
                out.append({"type": "url_citation", "url_citation": cited})
    return out
