"""Reading a provider's list of models over the wire: pages, keys, faults."""

from __future__ import annotations

import pytest

from providers import model_lists
from providers.errors import (
    ConnectFailed,
    CredentialRejected,
    MalformedReply,
    RateLimited,
    ServerFailed,
    UpstreamError,
    UpstreamTimeout,
)
from providers.kinds import KINDS
from providers.model_lists import NoList, list_models
from providers.targets import make_target
from providers.wire import Credential
from tests.upstream import Upstream, head, raw, reply

KEY = Credential("acme/main", "sk-secret-0123456789")


def ask(server: Upstream, kind: str = "openai-compatible", *keys: Credential, path: str = "/v1", **options: float):
    said = {"kind": kind, "base_url": server.url + path}
    return list_models(make_target("acme", said, {"x-team": "t-7"}, "none"), keys, **options)


def plain(*names: str):
    return reply({"object": "list", "data": [{"id": name} for name in names]})


def test_the_list_is_asked_for_with_the_key_and_the_providers_headers():
    with Upstream(plain("a", "b", "a")) as server:
        assert [model.name for model in ask(server, "openai", KEY)] == ["a", "b"]
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("GET", "/v1/models", b"")
    assert request.headers["authorization"] == f"Bearer {KEY.secret}"
    assert request.headers["x-team"] == "t-7"


@pytest.mark.parametrize(
    ("kind", "path", "first", "second", "targets"),
    [
        (
            "anthropic",
            "",
            {"data": [{"id": "a"}], "has_more": True, "last_id": "a"},
            {"data": [{"id": "b"}], "has_more": False, "last_id": "b"},
            ["/v1/models?limit=1000", "/v1/models?limit=1000&after_id=a"],
        ),
        (
            "google",
            "/v1beta",
            {"models": [{"name": "models/a"}], "nextPageToken": "x/+="},
            {"models": [{"name": "models/b"}]},
            ["/v1beta/models?pageSize=1000", "/v1beta/models?pageSize=1000&pageToken=x%2F%2B%3D"],
        ),
        (
            "cohere",
            "",
            {"models": [{"name": "a"}], "next_page_token": "t2"},
            {"models": [{"name": "b"}], "next_page_token": ""},
            ["/v1/models?page_size=1000", "/v1/models?page_size=1000&page_token=t2"],
        ),
    ],
)
def test_pages_are_followed_to_the_last(kind, path, first, second, targets):
    with Upstream(reply(first), reply(second)) as server:
        assert [model.name for model in ask(server, kind, KEY, path=path)] == ["a", "b"]
    assert [request.target for request in server.requests] == targets
    assert ("anthropic-version" in server.requests[0].headers) == (kind == "anthropic")


def test_pages_without_end_are_left_after_some_time():
    def endless(peer):
        number = len(peer.server.requests)
        reply({"models": [{"name": f"m{number}"}], "next_page_token": f"t{number}"})(peer)

    with Upstream(endless) as server:
        assert len(ask(server, "cohere")) == model_lists.MOST_PAGES
    with Upstream(reply({"models": [{"name": "same"}], "next_page_token": "again"})) as server:
        assert len(ask(server, "cohere")) == 1
    assert len(server.requests) == 2


@pytest.mark.parametrize(("kind", "path", "asked"), [("ollama", "/v1", "/api/tags"), ("tei", "", "/info")])
def test_servers_that_tell_more_at_their_root_are_asked_there(kind, path, asked):
    body = {"models": [{"name": "a"}]} if kind == "ollama" else {"model_id": "a"}
    with Upstream(reply(body)) as server:
        assert [model.name for model in ask(server, kind, path=path)] == ["a"]
    assert server.requests[0].target == asked


def test_where_the_richer_list_is_missing_the_plain_one_is_read():
    with Upstream(reply({"error": "not found"}, status=404), plain("grok-x")) as server:
        assert [model.name for model in ask(server, "xai", KEY)] == ["grok-x"]
    assert [request.target for request in server.requests] == ["/v1/language-models", "/v1/models"]


def test_a_rejected_key_is_followed_by_the_next_and_never_quoted():
    refusal = reply({"error": {"message": f"Incorrect API key {KEY.secret}"}}, status=401)
    with Upstream(refusal, plain("a")) as server:
        assert ask(server, "openai", KEY, Credential("acme/second", "sk-other"))[0].name == "a"
    assert server.requests[1].headers["authorization"] == "Bearer sk-other"
    with Upstream(refusal) as server, pytest.raises(CredentialRejected) as caught:
        ask(server, "openai", KEY)
    assert KEY.secret not in caught.value.message


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (reply({"detail": "Not Found"}, status=404), NoList),
        (reply(b"<html>welcome</html>", media="text/html"), MalformedReply),
        (reply({"models": 7}), MalformedReply),
        (reply([]), None),
        (reply({"error": {"message": "slow down", "code": 429}}), RateLimited),
        (reply(b"", status=503), ServerFailed),
        (reply(b"", status=302, Location="https://elsewhere.example/"), ServerFailed),
        (raw(head(200, Content_Length="999"), b'{"data": ['), UpstreamError),
        (raw(b"hello\r\n\r\n"), UpstreamError),
    ],
)
def test_whatever_comes_is_a_list_or_an_error_in_our_words(behaviour, error):
    with Upstream(behaviour) as server:
        if error is None:
            assert ask(server) == []
        else:
            with pytest.raises(error):
                ask(server)


def test_a_server_that_is_not_there_cannot_be_reached():
    with Upstream(plain("a")) as server:
        pass
    with pytest.raises(ConnectFailed):
        ask(server)


def test_all_pages_together_have_one_deadline():
    page = reply({"models": [{"name": "a"}], "next_page_token": "t"})
    never = raw(head(200, Content_Length="9"), end="open")
    with Upstream(page, never) as server, pytest.raises(UpstreamTimeout) as caught:
        ask(server, "cohere", within=0.3)
    assert caught.value.phase == "total"
    assert server.left.is_set()


def test_every_kind_of_provider_has_a_list_to_ask_for():
    assert all(model_lists.listings_of(kind.name, kind.wire) for kind in KINDS.values())
