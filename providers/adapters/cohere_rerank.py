"""Reranking at Cohere: ``POST /v2/rerank``. Its reply is read by ``rankings``. ◇

Source: Cohere API reference, rerank v2; recorded traffic.
"""

from __future__ import annotations

from typing import Any

from providers.chat import Call
from providers.wire import Target

TAKES = frozenset({"query", "documents", "top_n", "max_tokens_per_doc", "priority"})
# What only the first version has; ``providers.answers`` gives results their documents.
SILENT = frozenset({"model", "return_documents"})


def render_rerank(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out."""
    given = {key: value for key, value in call.body.items() if value is not None and key not in SILENT}
    dropped = tuple(name for name in given if name not in TAKES)
    taken = {key: value for key, value in given.items() if key in TAKES}
    extra = {key: value for key, value in target.extra_body.items() if key not in call.body}
    return {"model": target.upstream_model, **taken, **extra}, dropped
