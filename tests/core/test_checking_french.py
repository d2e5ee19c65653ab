"""What a check finds, told in French."""

from __future__ import annotations

import pytest

from providers.transport.faults import timed_out
from providers.words import SENTENCES, in_words
from routing.checking import validate
from routing.checking.french import PHRASES, in_french


@pytest.mark.parametrize("sentence", [sentence for _error, sentence in SENTENCES])
def test_every_sentence_about_an_upstream_has_a_french_one(sentence):
    assert in_french(sentence) not in (sentence, "")


@pytest.mark.parametrize("phase", ["connect", "headers", "first_content", "idle", "total"])
def test_deadlines_are_told_in_french(phase):
    told = in_french(in_words(timed_out(phase)))
    assert told.startswith("délai dépassé: ")
    assert not {"no", "the", "in"} & set(told.split())


def test_faults_of_the_format_are_told_in_french():
    faults = [
        *validate.completion([]),
        *validate.completion({"choices": [{"message": {}}, {}], "usage": {}}),
        *validate.chunks([{"choices": [{}, {"delta": {}, "finish_reason": "x"}]}]),
        *validate.embeddings({}),
        *validate.embeddings({"data": [{}]}),
        *validate.rerank({}, 2),
        *validate.rerank({"results": [{}]}, 2),
        *validate.transcription({}),
    ]
    assert len(faults) > 15
    assert not [told for told in map(in_french, faults) if "expected" in told or " is not" in told or "without" in told]


def test_what_the_vendor_says_stays_as_it_is():
    said = "the key was rejected (401): Incorrect API key [key acme/default]; the key acme/second answered"
    told = "la clé a été refusée (401): Incorrect API key [clé acme/default]; la clé acme/second a répondu"
    assert in_french(said) == told
    assert len({english for english, _french in PHRASES}) == len(PHRASES)
