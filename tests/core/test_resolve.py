"""What a requested name means, in DESIGN's order."""

from __future__ import annotations

import pytest

from routing.build import Sources, build
from routing.resolve import NotFound
from routing.resolve import resolve as resolve_request


def provider(position, *models, kind="openai-compatible", **more):
    return {
        "kind": kind,
        "base_url": f"https://{kind}-{position}.example/v1",
        "position": position,
        "keyless": True,
        "models": {model: {} for model in models},
        **more,
    }


NO_KEY = {"keyless": False, "keys": [{"label": "default", "env": "SOME_KEY"}]}


def catalog(**sections):
    said = {
        "version": 1,
        "providers": {
            "one": provider(1, "shared", "only-one", kind="openai"),
            "two": provider(2, "shared", "only-two"),
            "three": provider(3, "only-three"),
            "locked": provider(0, "shared", "only-locked", kind="mistral", **NO_KEY),
            "off": provider(4, "only-off", enabled=False),
            "deep": provider(9, "google/gemma", "one/only-one", "locked/only-locked", kind="deepinfra"),
            "google": provider(8, "gemini", kind="google"),
        },
        "endpoints": {
            "spot": {"provider": "one", "upstream_model": "only-one", "retries": 4},
            "hidden": {"provider": "one", "upstream_model": "uncatalogued", "retries": 5},
            "elsewhere": {"provider": "one", "upstream_model": "moved", "base_url": "https://else.example"},
            "anything": {"provider": "two", "upstream_model": "*"},
        },
        "models": {"turbo": {"aliases": ["fast", "only-two"], "entries": [{"endpoint": "spot"}]}},
        "categories": {name: {"entries": [{"endpoint": "spot"}]} for name in ("code", "conversation")},
        **sections,
    }  # fmt: skip
    return build(Sources(said))


WITH_WILDCARD = {"turbo": {"entries": [{"endpoint": "anything"}]}, "*": {"entries": [{"endpoint": "anything"}]}}


def resolve(served, model, provider=None):
    return resolve_request(served, model, provider, {"messages": [{"role": "user", "content": "Hi"}]})


def told(route):
    return route.how, [candidate.endpoint for candidate in route.candidates]


@pytest.mark.parametrize(
    ("model", "how", "endpoints"),
    [
        ("turbo", "model", ["spot"]),
        ("fast", "alias", ["spot"]),
        ("only-two", "alias", ["spot"]),
        ("code", "category", ["spot"]),
        ("router/code", "category", ["spot"]),
        ("router", "router", ["spot"]),
        ("auto", "router", ["spot"]),
        ("router/router", "router", ["spot"]),
        ("router/auto", "router", ["spot"]),
        ("one/only-one", "provider_model", ["spot"]),
        ("one/uncatalogued", "provider_model", ["hidden"]),
        ("one/unheard-of", "transient", ["one/unheard-of"]),
        ("one/moved", "transient", ["one/moved"]),
        ("two/a/b", "transient", ["two/a/b"]),
        ("google/gemma", "bare", ["deep/google/gemma"]),
        ("google/gemini", "provider_model", ["google/gemini"]),
        ("google/unheard-of", "transient", ["google/unheard-of"]),
        ("locked/only-locked", "bare", ["deep/locked/only-locked"]),
        ("shared", "bare", ["one/shared"]),
        ("only-three", "bare", ["three/only-three"]),
        ("only-one", "bare", ["spot"]),
        ("only-locked", "bare", ["locked/only-locked"]),
        ("locked/unheard-of", "provider_model", ["locked/unheard-of"]),
        ("only-off", "bare", ["off/only-off"]),
        ("off/only-off", "provider_model", ["off/only-off"]),
    ],
)
def test_a_name_means_the_first_thing_that_it_can_mean(model, how, endpoints):
    route = resolve(catalog(), model)
    assert told(route) == (how, endpoints)
    assert route.requested == model


@pytest.mark.parametrize(
    ("model", "code", "reason"),
    [
        ("only-locked", "no_key", "provider locked has no key: set SOME_KEY, or add a key in the admin"),
        ("locked/unheard-of", "no_key", "provider locked has no key: set SOME_KEY, or add a key in the admin"),
        ("off/only-off", "disabled", "provider off is disabled"),
    ],
)
def test_what_only_unconfigured_providers_offer_says_what_to_set(model, code, reason):
    (one,) = resolve(catalog(), model).candidates
    assert (one.skip_code, one.reason_skipped) == (code, reason)


def test_a_transient_endpoint_has_the_identity_that_a_configured_one_would_have():
    (one,) = resolve(catalog(), "one/unheard-of").candidates
    assert one.identity == "one|unheard-of|https://openai-1.example/v1"
    assert (one.target.upstream_model, one.facts.max_input_tokens) == ("unheard-of", None)


def test_the_name_that_is_sent_is_known_too():
    said = {"p": provider(0)}
    said["p"]["models"] = {"short": {"upstream_name": "long-2024", "max_input_tokens": 100}}
    (one,) = resolve(catalog(providers=said, endpoints={}, models={}, categories={}), "p/long-2024").candidates
    assert (one.target.upstream_model, one.facts.max_input_tokens) == ("long-2024", 100)


def test_the_wildcard_answers_for_the_rest_and_passes_the_name_on():
    served = catalog(models=WITH_WILDCARD)
    for model in ("gpt-9", "nobody/x", "only-locked", "locked/only-mine", "off/only-off"):
        route = resolve(served, model)
        assert told(route) == ("wildcard", ["anything"])
        assert route.candidates[0].target.upstream_model == model
        assert route.candidates[0].identity == "two|*|https://openai-compatible-2.example/v1"
    assert told(resolve(served, "shared")) == ("bare", ["one/shared"])
    assert resolve(served, "turbo").candidates[0].target.upstream_model == "turbo"


@pytest.mark.parametrize("model", ["*", "router/nothing"])
def test_the_wildcards_own_name_is_no_model(model):
    served = catalog(models={} if model != "*" else WITH_WILDCARD)
    with pytest.raises(NotFound):
        resolve(served, model)


@pytest.mark.parametrize(
    ("categories", "why"),
    [({}, "there are no categories"), ({"code": {}}, "there is no category 'conversation'")],
)
def test_without_categories_the_router_says_why_even_where_there_is_a_wildcard(categories, why):
    with pytest.raises(NotFound, match=f"Model not found: 'auto' .classification is not configured: {why}"):
        resolve(catalog(categories=categories, models=WITH_WILDCARD), "auto")


def test_a_disabled_public_model_does_not_let_its_name_fall_through():
    served = catalog(models={"shared": {"enabled": False, "entries": [{"endpoint": "spot"}]}})
    (one,) = resolve(served, "shared").candidates
    assert one.reason_skipped == "model shared is disabled"


@pytest.mark.parametrize(
    ("model", "field", "how", "endpoints"),
    [
        ("shared", "two", "provider_model", ["two/shared"]),
        ("two/shared", "two", "provider_model", ["two/shared"]),
        ("turbo", "two", "transient", ["two/turbo"]),
        ("two/", "two", "transient", ["two/two/"]),
        ("one/only-one", "deep", "provider_model", ["deep/one/only-one"]),
        ("shared", "openai-compatible", "provider_model", ["two/shared"]),
        ("unheard-of", "openai-compatible", "transient", ["two/unheard-of", "three/unheard-of"]),
        ("only-locked", "locked", "provider_model", ["locked/only-locked"]),
        ("only-locked", "mistral", "provider_model", ["locked/only-locked"]),
        ("google/gemma", "google", "transient", ["google/gemma"]),
    ],
)
def test_the_provider_field_means_a_provider_or_else_a_kind(model, field, how, endpoints):
    assert told(resolve(catalog(), model, field)) == (how, endpoints)


def test_an_unknown_provider_is_not_found():
    with pytest.raises(NotFound, match="Model not found: 'thre/only-three'") as caught:
        resolve(catalog(), "only-three", "thre")
    assert caught.value.suggestions == ("three/only-three",)


def test_an_unknown_model_is_not_found_and_close_names_are_suggested():
    with pytest.raises(NotFound, match=r"^Model not found: 'turbu'\. Did you mean 'turbo'\?") as caught:
        resolve(catalog(), "turbu")
    assert caught.value.suggestions[0] == "turbo"
    with pytest.raises(NotFound) as caught:
        resolve(catalog(), "only-tree")
    assert 1 <= len(caught.value.suggestions) <= 3
    with pytest.raises(NotFound, match=r"^Model not found: 'zzzzzzzz'\.$"):
        resolve(catalog(), "zzzzzzzz")


def test_endless_names_are_cut_in_the_answer():
    with pytest.raises(NotFound) as caught:
        resolve(catalog(), "x" * 100_000)
    assert len(str(caught.value)) < 400
