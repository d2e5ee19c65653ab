"""Reranking at vendors of OpenAI's family: Cohere's and Jina's common request, DeepInfra's own. ◇

Source: vLLM ``/v1/rerank``, Albert API ``/v1/rerank``, DashScope's compatible rerank, DeepInfra's inference API.
"""

from __future__ import annotations

from typing import Any

from providers.chat import Call
from providers.wire import Target

# ``providers.answers`` gives results their documents, whatever the vendor does.
SILENT = frozenset({"model", "return_documents"})
PAIRED = frozenset({"query", "documents", "top_n"})


def render_rerank(call: Call, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body to send, and the names of what was left out."""
    given = {key: value for key, value in call.body.items() if value is not None and key not in SILENT}
    extra = {key: value for key, value in target.extra_body.items() if key not in call.body}
    if target.kind != "deepinfra":
        return {"model": target.upstream_model, **given, **extra}, ()
    dropped = tuple(name for name in given if name not in PAIRED)
    documents = given["documents"]
    return {"queries": [given["query"]] * len(documents), "documents": documents, **extra}, dropped
