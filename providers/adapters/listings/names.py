"""What a model does, where its provider's list gives no more than its name. ◇"""

from __future__ import annotations

import re

from providers.adapters.listings.base import CHAT, EMBEDDINGS, OTHER, RERANK, SPEECH

# In this order: "bge-reranker" is no embedding, "gpt-4o-mini-tts" does not chat.
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), type_)
    for pattern, type_ in (
        (r"rerank", RERANK),
        (r"whisper|transcri|(^|[/_-])(asr|parakeet)([/_-]|$)", SPEECH),
        (
            r"(^|[/_-])(tts|dall-e|sora|veo|imagen|moderation|realtime|live|ocr|flux|lyria|aqa)([/._-]|$|\d)",
            OTHER,
        ),
        (r"gpt-image|image-gen|stable-diffusion|text-to-(speech|image|video)|-image(-|$)|sdxl|speech-", OTHER),
        (r"embed|text-search-|-similarity-|(^|[/_-])(bge|e5|gte|minilm|mpnet|paraphrase)([/_-]|$)", EMBEDDINGS),
    )
)


def guess_type(name: str) -> str:
    """The type that a name tells; a name that tells nothing is taken for a model that writes text."""
    return next((type_ for pattern, type_ in PATTERNS if pattern.search(name)), CHAT)
