"""Embeddings and reranking. ◇"""

from __future__ import annotations

from collections.abc import Mapping

from gateway_project.api.dialects import embeddings, rerank
from gateway_project.api.schema import routing
from gateway_project.api.schema.texts import TOKENS
from gateway_project.api.schema.words import (
    Schema,
    array,
    checked,
    count,
    either,
    number,
    one_of,
    record,
    ref,
    request,
    switch,
    text,
    whole,
)

EMBED: Mapping[str, str | Schema] = {
    "dimensions": "The length of the vectors, where the model lets you choose.",
    "encoding_format": one_of("Numbers, or single-precision numbers in base64.", "float", "base64"),
    "input_type": "What texts are for, in Cohere's words: search_document, search_query, classification, clustering.",
    "stream": switch("Embeddings are not streamed.", const=False),
    "user": "The end user's name, for the vendor.",
}
_EMBED_MORE: Mapping[str, Schema] = {
    "embedding_types": array(text(), "Cohere: its own names of forms."),
    "output_dimension": whole("Cohere's and Mistral's word for dimensions."),
    "output_dimensionality": whole("Gemini's word for dimensions."),
    "outputDimensionality": whole("Gemini's own spelling of it."),
    "output_dtype": text("Mistral: the numbers' type."),
    "metadata": ref("Metadata"),
    "task_type": text("Gemini's word for input_type."),
    "taskType": text("Gemini's own spelling of it."),
    "title": text("Gemini: the title of a document."),
    "truncate": either("Where long texts are cut: Cohere's NONE, START, END; or whether.", text(), switch()),
    "truncation_direction": text("Text Embeddings Inference: Left or Right."),
    "normalize": switch("Text Embeddings Inference: vectors of length 1."),
    "prompt_name": text("Text Embeddings Inference: the prompt that is put before texts."),
    "max_tokens": whole("Cohere: the most tokens of a text."),
    "priority": whole("Cohere: lower ones go first when it is busy."),
    "keep_alive": either("Ollama: how long the model stays in memory.", text(), number()),
    "options": ref("JsonValue", "Ollama's options, as they are."),
}
RANK: Mapping[str, str | Schema] = {
    "query": "What is looked for.",
    "top_n": "Give the best so many.",
    "return_documents": "Give the documents, too.",
    "max_tokens_per_doc": "Cohere: longer documents are cut.",
    "max_chunks_per_doc": "Cohere's first version: longer documents are cut.",
    "stream": switch("Rankings are not streamed.", const=False),
}
_DOCUMENTS = array(
    either("A text.", text(), record("A text, and what else you keep with it.", {"text": text("The text.")}, "text")),
    "What is ranked.",
    minItems=1,
)
_INPUT_USAGE = record("Tokens.", {"prompt_tokens": count("Read."), "total_tokens": count("The same.")})

COMPONENTS: Mapping[str, Schema] = {
    "EmbeddingRequest": request(
        "Texts to turn into vectors; more than a vendor takes at once go out in parts. `model` or `models` is needed.",
        {
            **routing.ADDRESS,
            "input": either(
                "A text, texts, token ids or arrays of token ids.",
                text(),
                array(text(), minItems=1),
                TOKENS,
                array(TOKENS, minItems=1),
            ),
            **checked(embeddings.PARAMETERS, EMBED),
            **_EMBED_MORE,
        },
        "input",
    ),
    "EmbeddingList": record(
        "A vector for each text, in order.",
        {
            "object": text("Always list.", const="list"),
            "data": array(
                record(
                    "One vector.",
                    {
                        "object": text("Always embedding.", const="embedding"),
                        "index": count("The text's place."),
                        "embedding": either(
                            "Numbers, or base64 of single-precision numbers, little-endian.", array(number()), text()
                        ),
                    },
                    "object index embedding",
                )
            ),
            "model": text("The model that answered, as its vendor names it."),
            "usage": record(
                "Tokens; null: nobody counted.",
                {"prompt_tokens": {"type": ["integer", "null"]}, "total_tokens": {"type": ["integer", "null"]}},
                "prompt_tokens total_tokens",
            ),
        },
        "object data model usage",
    ),
    "RerankRequest": {
        **request(
            "Documents to rank. `model` or `models`, a query and documents must be given, by one of their names.",
            {
                **routing.ADDRESS,
                **checked(rerank.PARAMETERS, RANK),
                "query": text("What is looked for.", minLength=1),
                "documents": _DOCUMENTS,
                "prompt": text("The Albert registry's older word for query.", minLength=1),
                "input": {**_DOCUMENTS, "description": "The Albert registry's older word for documents."},
                "priority": whole("Cohere: lower ones go first when it is busy."),
                "raw_scores": switch("Text Embeddings Inference: scores as the model gives them."),
                "truncate": either("Whether long texts are cut, or where.", switch(), text()),
                "truncation_direction": text("Text Embeddings Inference: Left or Right."),
            },
        ),
        "allOf": [
            {"oneOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in pair]}
            for pair in (("query", "prompt"), ("documents", "input"))
        ],
    },
    "Ranking": record(
        "Documents by how well they answer the query, best first.",
        {
            "id": text("The answer's id."),
            "model": text("The model that answered, as its vendor names it."),
            "results": array(
                record(
                    "A document.",
                    {
                        "index": count("Its place in the request."),
                        "relevance_score": number("How well it answers; each model has its own scale."),
                        "document": record("With return_documents.", {"text": text("Its text.")}, "text"),
                    },
                    "index relevance_score",
                )
            ),
            "usage": _INPUT_USAGE,
            "meta": record(
                "What Cohere says beside.",
                {
                    "api_version": record("", {"version": text()}),
                    "billed_units": record("", {"search_units": number(), "input_tokens": number()}),
                    "tokens": record("", {"input_tokens": number(), "output_tokens": number()}),
                },
            ),
        },
        "id model results",
    ),
}
