"""What went wrong at an upstream, in a sentence for an operator. ◇"""

from __future__ import annotations

from providers.errors import (
    ConnectFailed,
    ConnectionBroken,
    ContentFiltered,
    CredentialRejected,
    MalformedReply,
    ModelMissing,
    RateLimited,
    RequestRejected,
    ServerFailed,
    StreamCut,
    UpstreamError,
    UpstreamTimeout,
)

LONGEST = 300

# In this order, most particular first.
SENTENCES: tuple[tuple[type[UpstreamError], str], ...] = (
    (ConnectFailed, "cannot be reached"),
    (ConnectionBroken, "the connection broke"),
    (UpstreamTimeout, "took too long"),
    (CredentialRejected, "the key was rejected"),
    (ModelMissing, "the provider does not know this"),
    (RateLimited, "the key's rate limit or quota is used up"),
    (StreamCut, "the stream ended before the answer did"),
    (MalformedReply, "the reply is not what the format promises"),
    (ContentFiltered, "the provider refused the content"),
    (ServerFailed, "the provider failed"),
    (RequestRejected, "the request was refused"),
)


def in_words(error: UpstreamError) -> str:
    """ "the key was rejected (401): Incorrect API key". Never holds secrets: messages are blacked out before."""
    said = next((sentence for kind, sentence in SENTENCES if isinstance(error, kind)), "")
    status = f" ({error.status})" if error.status and said else ""
    detail = "".join(letter for letter in " ".join(error.message.split()) if letter.isprintable())
    return ": ".join(filter(None, (said + status, detail)))[:LONGEST]
