"""OpenAI's legacy completions, and transcriptions. ◇"""

from __future__ import annotations

from collections.abc import Mapping

from gateway_project.api.dialects import completions, transcriptions
from gateway_project.api.schema import routing
from gateway_project.api.schema.words import (
    Schema,
    array,
    checked,
    count,
    either,
    maybe,
    number,
    one_of,
    record,
    ref,
    request,
    table,
    text,
    whole,
)

TOKENS = array(whole("A token id."), minItems=1)

PARAMETERS: Mapping[str, str | Schema] = {
    "best_of": "Make so many and give the best.",
    "echo": "Begin the answer with the prompt.",
    "frequency_penalty": "From -2 to 2: less of what was said often.",
    "logit_bias": table("Token ids and how much likelier they are made, from -100 to 100.", number()),
    "logprobs": "How many of the likeliest tokens are told.",
    "max_tokens": "The greatest length of the answer in tokens.",
    "n": "How many answers to each prompt.",
    "presence_penalty": "From -2 to 2: less of what was said at all.",
    "prompt": either(
        "What is to be continued: a text, texts, token ids or arrays of token ids.",
        text(),
        array(text(), minItems=1),
        TOKENS,
        array(TOKENS, minItems=1),
    ),
    "seed": "The same seed makes similar answers.",
    "stop": "Texts that end the answer.",
    "stream": "Answer as a stream of events.",
    "stream_options": ref("StreamOptions"),
    "suffix": "What follows the answer: fill in the middle.",
    "temperature": "From 0 (the same answers) to 2 (wild ones).",
    "top_p": "Choose among the likeliest tokens that make up this share.",
    "user": "The end user's name, for the vendor.",
}

SPOKEN: Mapping[str, Schema] = {
    "language": text("ISO 639-1, such as en; some vendors need it."),
    "prompt": text("Words to expect, or what was said before."),
    "response_format": one_of("The form of the answer.", *transcriptions.FORMATS),
    "stream": {
        **one_of("Answer as a stream of events; with json and diarized_json.", "true", "false", "1", "0"),
        "description": "Answer as a stream of events; with json and diarized_json.",
    },
    "temperature": text("A number of at least 0.", pattern=r"^[0-9]+(\.[0-9]+)?$"),
}
_LISTED = either("Given once or several times.", text(), array(text()))
_MORE: Mapping[str, Schema] = {
    **{f"{name}[]": {**_LISTED, "description": about} for name, about in (
        ("timestamp_granularities", "word, segment: the times that are told."),
        ("include", "logprobs: what else is told."),
        ("known_speaker_names", "Who speaks."),
        ("known_speaker_references", "How they sound: data URLs."),
        ("keywords", "Words to expect."),
        ("languages", "Languages to expect."),
        ("context_bias", "Mistral: words to expect."),
    )},
    "chunking_strategy": text("auto, or JSON: how long recordings are cut."),
    "diarize": text("Mistral: true, to tell speakers apart."),
}  # fmt: skip
_TIMED = {"start": number("Seconds."), "end": number("Seconds.")}

COMPONENTS: Mapping[str, Schema] = {
    "CompletionRequest": request(
        "A prompt to continue. `model` or `models` must be given.",
        {
            **routing.ADDRESS,
            **checked(completions.PARAMETERS, PARAMETERS),
            "min_tokens": whole("Mistral, vLLM: the least length of the answer."),
            "random_seed": whole("Mistral's word for seed."),
        },
        "prompt",
    ),
    "Completion": record(
        "What follows the prompt: a whole answer, or one event of a stream.",
        {
            "id": text("The answer's id."),
            "object": text("Always text_completion.", const="text_completion"),
            "created": count("Unix seconds."),
            "model": text("The model that answered, as its vendor names it."),
            "system_fingerprint": maybe(text("The vendor's configuration.")),
            "choices": array(
                record(
                    "One answer.",
                    {
                        "index": count("Its place."),
                        "text": text("The text, or the next piece of it."),
                        "finish_reason": maybe(one_of("Why it ended.", *sorted(completions.FINISHES))),
                        "logprobs": maybe(ref("TextLogprobs")),
                    },
                    "index text finish_reason logprobs",
                ),
                "The answers.",
            ),
            "usage": maybe(ref("Usage")),
        },
        "id object created model choices",
    ),
    "TextLogprobs": record(
        "How likely the tokens were: lists beside each other.",
        {
            "tokens": maybe(array(text())),
            "token_logprobs": maybe(array(maybe(number()))),
            "top_logprobs": maybe(array(maybe(table("Tokens and their logarithms.", number())))),
            "text_offset": maybe(array(whole())),
        },
    ),
    "TranscriptionForm": record(
        "A form with a file.",
        {
            "file": text("The recording.", format="binary"),
            "model": routing.MODEL,
            "provider": text("The provider to use, by name.", maxLength=300),
            **SPOKEN,
            **_MORE,
        },
        "file model",
    ),
    "Transcription": record(
        "What was said. Vendors' own fields stand beside these.",
        {
            "text": text("The words."),
            "language": maybe(text("The language.")),
            "duration": maybe(either("Seconds.", number(), text())),
            "task": maybe(text("The vendor's word.")),
            "words": maybe(array(record("A word.", {"word": text(), **_TIMED}), "With their times.")),
            "segments": maybe(
                array(
                    record(
                        "A piece.",
                        {
                            "id": either("", text(), whole()),
                            "text": text(),
                            **_TIMED,
                            "speaker": maybe(text("Who said it.")),
                        },
                    ),
                    "With their times.",
                )
            ),
            "logprobs": maybe(array(ref("JsonValue"), "How likely the tokens were.")),
            "usage": ref("SpeechUsage"),
        },
        "text",
    ),
    "SpeechUsage": record(
        "What was heard and written.",
        {
            "type": text("tokens or duration."),
            "input_tokens": count("Heard."),
            "output_tokens": count("Written."),
            "total_tokens": count("Both."),
            "seconds": number("The recording's length."),
            "input_token_details": record("", {"text_tokens": count(), "audio_tokens": count()}),
        },
    ),
    "TranscriptionEvent": record(
        "One event of a stream.",
        {
            "type": one_of("What it is.", "transcript.text.delta", "transcript.text.segment", "transcript.text.done"),
            "delta": text("The next words."),
            "text": text("A segment's words; at the end, all."),
            "id": text("A segment's id."),
            **_TIMED,
            "speaker": text("Who said it."),
            "logprobs": maybe(array(ref("JsonValue"), "How likely the tokens were.")),
            "usage": ref("SpeechUsage", "At the end."),
        },
        "type",
    ),
}
