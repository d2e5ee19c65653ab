"""What the gateway says of itself: models and health. ◇"""

from __future__ import annotations

from collections.abc import Mapping

from gateway_project.api.schema.words import Schema, array, count, maybe, one_of, record, ref, text, whole

COMPONENTS: Mapping[str, Schema] = {
    "Model": record(
        "A name that can be called.",
        {
            "id": text("The name."),
            "object": text("Always model.", const="model"),
            "created": count("Unix seconds."),
            "owned_by": text("Whose it is."),
            "type": text(
                "text-generation, image-text-to-text, text-embeddings-inference, text-classification or "
                "automatic-speech-recognition; empty where nobody knows."
            ),
            "aliases": array(text(), "Its other names."),
            "max_context_length": maybe(whole("Tokens; null: unknown.")),
        },
        "id object created owned_by type aliases max_context_length",
    ),
    "ModelList": record(
        "What the key may call.",
        {"object": text("Always list.", const="list"), "data": array(ref("Model"))},
        "object data",
    ),
    "Health": record("The process answers.", {"status": text("Always ok.", const="ok")}, "status"),
    "Readiness": record(
        "Whether the newest configuration is being served.",
        {
            "status": one_of("degraded: an older one is served.", "ready", "degraded"),
            "generation": count("Of the configuration that is served."),
            "problem": maybe(text("Why, if degraded.")),
        },
        "status generation problem",
    ),
}
