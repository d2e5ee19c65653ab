"""Application keys, in process: scopes, allowed models, expiry; and a hot request asks the database nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from providers.models import Provider, ProviderModel
from routing import catalog
from routing.models import ApiKey
from tests.switchboard import Switchboard, completion, reply

pytestmark = pytest.mark.django_db

BODY = {"model": "key-test/m-1", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(autouse=True)
def provider(switchboard: Switchboard) -> Iterator[None]:
    switchboard.plug("keys", reply(completion("Hello")))
    row = Provider(name="key-test", kind="openai-compatible", base_url=switchboard.base_url("keys"), keyless=True)
    row.save()
    ProviderModel(provider=row, name="m-1").save()
    yield
    catalog.forget()


def make_key(plain: str, **fields: Any) -> None:
    row = ApiKey(name=plain, **fields)
    row.set_key(plain)
    row.save()
    catalog.forget()


def chat(plain: str, body: dict[str, Any] = BODY) -> tuple[int, dict[str, Any]]:
    answer = Client().post(
        "/v1/chat/completions", json.dumps(body), content_type="application/json",
        headers={"Authorization": f"Bearer {plain}"},
    )  # fmt: skip
    return answer.status_code, json.loads(answer.content)


def test_a_new_key_works_and_a_disabled_one_no_more() -> None:
    make_key("sk-new")
    assert chat("sk-new")[0] == 200
    row = ApiKey.objects.get(name="sk-new")
    row.enabled = False
    row.save()
    catalog.forget()
    status, body = chat("sk-new")
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")


def test_only_the_hash_and_a_prefix_are_kept() -> None:
    make_key("sk-secret-that-nobody-sees")
    (row,) = ApiKey.objects.filter(name="sk-secret-that-nobody-sees").values("prefix", "hash")
    assert row["prefix"] == "sk-secret-"
    assert "nobody" not in row["hash"]


def test_a_key_without_the_scope_is_403() -> None:
    make_key("sk-metrics", scopes=["metrics"])
    status, body = chat("sk-metrics")
    assert (status, body["error"]["code"]) == (403, "insufficient_scope")


def test_an_expired_key_is_401() -> None:
    make_key("sk-old", expires_at=timezone.now() - timedelta(seconds=1))
    status, body = chat("sk-old")
    assert (status, body["error"]["code"]) == (401, "expired_api_key")


def test_a_key_may_use_only_its_models_and_is_shown_only_those() -> None:
    make_key("sk-some", allowed_models=["key-test/*"])
    assert chat("sk-some")[0] == 200
    status, body = chat("sk-some", {**BODY, "model": "gpt-4o"})
    assert (status, body["error"]["code"], body["error"]["param"]) == (403, "model_not_allowed", "model")
    listed = Client().get("/v1/models", headers={"Authorization": "Bearer sk-some"}).json()["data"]
    assert [model["id"] for model in listed] == ["key-test/m-1"]


def test_a_key_is_offered_no_names_that_it_may_not_use() -> None:
    make_key("sk-all")
    make_key("sk-own", allowed_models=["key-test/*"])
    assert "gpt-4o" in chat("sk-all", {**BODY, "model": "gpt-4ox"})[1]["error"]["message"].partition("Did you mean")[2]
    for steps in ({"model": "gpt-4ox"}, {"model": "key-test/m-1", "models": ["gpt-4ox"]}):
        assert "Did you mean" not in chat("sk-own", {**BODY, **steps})[1]["error"]["message"]


def test_a_hot_request_asks_the_database_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_key("sk-hot")
    assert chat("sk-hot")[0] == 200
    with django_assert_num_queries(0):
        assert chat("sk-hot")[0] == 200
        assert chat("sk-hot", {**BODY, "stream": True, "model": "unknown-model"})[0] == 404


def test_without_required_keys_everybody_is_let_in(settings: Any) -> None:
    settings.AUTH_REQUIRED = False
    status, _ = chat("whatever an SDK sends")
    assert status == 200


def test_without_required_keys_a_foreign_page_is_refused(settings: Any) -> None:
    settings.AUTH_REQUIRED = False
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        answer = Client().post(
            "/v1/chat/completions", json.dumps(BODY), content_type="text/plain", headers=headers
        )  # fmt: skip
        assert answer.status_code in (400, 403)


def test_choosing_the_provider_does_not_widen_what_a_key_may_use(switchboard: Switchboard) -> None:
    other = Provider(name="other", kind="openai-compatible", base_url=switchboard.base_url("keys"), keyless=True)
    other.save()
    make_key("sk-narrow", allowed_models=["key-test/*", "m-1"])
    assert chat("sk-narrow", {**BODY, "model": "m-1"})[0] == 200
    assert chat("sk-narrow", {**BODY, "model": "m-1", "provider": "key-test"})[0] == 200
    for model in ("m-1", "key-test/secret"):
        status, body = chat("sk-narrow", {**BODY, "model": model, "provider": "other"})
        assert (status, body["error"]["code"]) == (403, "model_not_allowed")


@pytest.mark.parametrize("field", ["model", "provider"])
def test_a_name_as_long_as_a_book_is_refused_at_once(field: str) -> None:
    make_key("sk-long")
    status, body = chat("sk-long", {**BODY, field: "ab" * 1_000_000})
    assert (status, body["error"]["param"]) == (400, field)
