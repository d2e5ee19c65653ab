"""Where vendors of OpenAI's family have what OpenAI has elsewhere, or has not. ◇

Paths are relative to the base URL under which such a vendor serves chat; "../" leaves its last part.
"""

from __future__ import annotations

from urllib.parse import quote

from providers.wire import Target

DOTS = {".": "%2E", "..": "%2E%2E"}


def path_of(operation: str, target: Target, usual: str) -> str:
    """The operator's own path for ``operation``, else the vendor's, else ``usual``."""
    own = target.paths.get(operation)
    if own:
        return own
    base = target.base_url.rstrip("/")
    if operation == "embeddings" and target.kind == "perplexity" and not base.endswith("/v1"):
        return "/v1/embeddings"
    if operation == "rerank" and target.kind == "deepinfra":
        return f"{'../' if base.endswith('/openai') else ''}inference/{_segments(target.upstream_model)}"
    if operation == "rerank" and target.kind == "qwen":
        return "../../compatible-api/v1/reranks" if base.endswith("/compatible-mode/v1") else "/reranks"
    return usual


def _segments(model: str) -> str:
    """A model's name as part of a path: whatever it is, it leads nowhere else."""
    return "/".join(DOTS.get(part) or quote(part, safe="@") for part in model.split("/"))
