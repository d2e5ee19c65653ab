"""The page "Explain": what a request would meet, now and with a proposed configuration."""

from __future__ import annotations

import re

import pytest
import yaml
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from gateway_project.pages.explain_form import MOST_PROPOSED
from metrics.models import RequestContent, RequestLog
from providers.models import Price, ProviderModel
from routing import catalog
from routing.config import revisions
from routing.config.serialize import serialize
from routing.config.text import dump
from routing.models import Alias, ApiKey, Category, ConfigClock, Endpoint, Entry

URL = "/admin/explain/"


@pytest.fixture
def served(turbo, acme):
    """``turbo`` with a price, an alias, and two categories over its endpoints."""
    model = ProviderModel.objects.create(provider=acme, name="first", max_input_tokens=8000)
    Price.objects.create(model=model, input="1.5", output="2.5")
    Alias.objects.create(name="quick", model=turbo)
    for name, words in (("code", ["write code", "python"]), ("conversation", ["hello"])):
        category = Category.objects.filter(name=name).first() or Category(name=name)
        category.keywords = words
        category.save()
        Entry.objects.create(owner_category=category, endpoint=Endpoint.objects.get(name="first"))
    return turbo


def text_of(response) -> str:
    """The page's text, without tags."""
    assert response.status_code == 200
    body = response.content.decode().split('id="content"', 1)[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def endpoints(response, side: str = "now") -> list[str]:
    part = response.content.decode().split(f'id="{side}"', 1)[1].split("</section>", 1)[0]
    return re.findall(r'data-endpoint="([^"]+)"', part)


def test_a_link_with_a_model_explains_at_once(page, served):
    answer = page.get(URL, {"model": "quick"})
    text = text_of(answer)
    assert "“quick” is another name of the public model “turbo”." in text
    assert endpoints(answer) == ["first", "second"]
    assert "Number 1 in the configured list." in text
    assert "1.5 USD in, 2.5 USD out" in text
    assert "Context window: 8,000 tokens." in text


def test_what_is_left_out_says_why_in_words(page, served):
    second = Endpoint.objects.get(name="second")
    second.enabled = False
    second.save()
    text = text_of(page.get(URL, {"model": "turbo"}))
    assert "Would be left out" in text
    assert "endpoint second is disabled" in text


def test_the_words_that_chose_a_category_are_marked_in_the_prompt(page, served):
    answer = page.post(URL, {"model": "router", "prompt": "Please WRITE  code <b>in</b> Pythön"})
    html = answer.content.decode()
    assert "Classified as “code”" in text_of(answer)
    assert re.search(r'<mark class="tint0" title="code">WRITE  code</mark>', html)
    assert re.search(r'<mark class="tint0" title="code">Pythön</mark>', html)
    assert "<b>in</b>" not in html


def test_a_chosen_category_is_asked_for_by_name(page, served):
    text = text_of(page.post(URL, {"category": "code", "prompt": "hello"}))
    assert "“router/code” asks for the category “code” by name." in text


def test_size_and_steering_count(page, served):
    answer = page.post(URL, {"model": "turbo", "prompt_tokens": "2000000", "max_tokens": "10", "order": "second"})
    text = text_of(answer)
    assert endpoints(answer) == ["second", "first"]
    assert "The request names it first." in text
    assert "at most 3.000025 USD" in text or "at most 3.0000" in text
    left_out = page.post(URL, {"model": "turbo", "only": "first"})
    assert "not wanted by the request" in text_of(left_out)


def test_a_key_brings_its_permissions_and_limits(page, served):
    key = ApiKey(name="shop", allowed_models=["other"], limit_requests=7)
    key.set_key("sk-sy-" + "x" * 40)
    key.save()
    catalog.forget()
    assert "may not use the model" in text_of(page.post(URL, {"model": "turbo", "key": "shop"}))
    key.allowed_models = []
    key.save()
    catalog.forget()
    assert "0 of 7 requests used in 60 s" in text_of(page.post(URL, {"model": "turbo", "key": "shop"}))


def test_names_that_mean_nothing_are_refused_as_the_request_would_be(page, served):
    text = text_of(page.get(URL, {"model": "turbi"}))
    assert "Model not found" in text
    assert "Did you mean" in text
    assert "Name a model, or choose a category." in text_of(page.post(URL, {"prompt": "x"}))


def test_a_proposed_configuration_is_compared_and_nothing_is_written(page, served):
    document = serialize()
    document["models"]["turbo"]["entries"].reverse()
    document["endpoints"]["third"] = {"provider": "acme", "upstream_model": "third"}
    document["models"]["turbo"]["entries"].append({"endpoint": "third"})
    before = (revisions.newest_number(), ConfigClock.objects.get().value, serialize())
    answer = page.post(URL, {"model": "turbo", "proposed": dump(document)})
    assert endpoints(answer, "now") == ["first", "second"]
    assert endpoints(answer, "then") == ["second", "first", "third"]
    text = text_of(answer)
    assert "moved: was 2." in text
    assert "moved: was 1." in text
    assert "3 differences" in text
    assert "+ endpoints/third" in text
    assert (revisions.newest_number(), ConfigClock.objects.get().value, serialize()) == before


def test_a_key_that_would_be_sent_elsewhere_is_missing_in_the_proposal(page, served):
    document = serialize()
    document["providers"]["acme"]["base_url"] = "https://elsewhere.example/v1"
    answer = page.post(URL, {"model": "turbo", "proposed": dump(document)})
    then = text_of(answer).split("Proposed", 1)[1]
    assert "Nobody would be tried." in then
    assert "key missing" in then
    assert "was tried as 1." in then


def test_the_stored_configuration_makes_no_difference(page, served):
    text = text_of(page.post(URL, {"model": "turbo", "proposed": dump(serialize())}))
    assert "no difference" in text
    assert "changes the configuration in 0 places" in text


@pytest.mark.parametrize("says_so", [True, False])
def test_a_part_replaces_the_rows_that_it_names_as_importing_it_would(page, served, says_so):
    rows = {"endpoints": {"first": {"provider": "acme", "upstream_model": "first", "enabled": False}}}
    part = yaml.safe_dump({"version": 1, "part": True, **rows} if says_so else rows, sort_keys=False)
    scope = "whole" if says_so else "part"
    answer = page.post(URL, {"model": "quick", "proposed": part, "scope": scope})
    assert "endpoint first is disabled" in text_of(answer).split("Proposed", 1)[1]
    assert endpoints(answer, "then") == ["second", "first"]


def test_a_file_is_read_as_the_text_would_be(page, served):
    document = serialize()
    del document["models"]["turbo"]["aliases"]
    file = SimpleUploadedFile("config.yaml", dump(document).encode())
    assert "Model not found" in text_of(page.post(URL, {"model": "quick", "file": file}))


@pytest.mark.parametrize(
    ("proposed", "told"),
    [
        ("version: 1\nmodels: {turbo: {entries: [{endpoint: nowhere}]}}", "models/turbo/entries/0"),
        ("version: 1\nmodels: {turbo: {strategie: ordered}}", "models/turbo/strategie : unknown key"),
        ("version: 9", "version : expected 1, not 9"),
        ("{", "not YAML"),
        ("- a", "expected a mapping"),
    ],
)
def test_what_is_wrong_with_a_document_is_told_with_its_place(page, served, proposed, told):
    answer = page.post(URL, {"model": "turbo", "proposed": proposed})
    text = text_of(answer)
    assert "The proposed configuration cannot be used" in text
    assert told in text
    assert endpoints(answer) == ["first", "second"]  # the present is explained all the same


def test_a_recorded_request_fills_in_what_is_known(page, served):
    RequestLog.objects.create(
        id="01J00000000000000000000000", request_id="caller-1", at=timezone.now(), requested_model="router",
        category="code", operation="chat", prompt_tokens=1234, outcome="success", status=200, endpoint="first",
    )  # fmt: skip
    for number in ("01J00000000000000000000000", "caller-1"):
        text = text_of(page.get(URL, {"request": number}))
        assert "“router/code” asks for the category “code” by name." in text
        assert "About 1234 tokens in" in text or "About 1,234 tokens in" in text
        assert "Not filled in, because its record does not hold them: the prompt" in text
        assert "Its prompt is kept apart" not in text
    RequestContent.objects.create(id="01J00000000000000000000000", at=timezone.now(), prompt='"the secret question"')
    text = text_of(page.get(URL, {"request": "caller-1"}))
    assert "Its prompt is kept apart" in text
    assert "the secret question" not in text  # who looks at it leaves a trace, on the request's page
    assert "There is no record of a request" in text_of(page.get(URL, {"request": "a\0b"}))
    assert "There is no record of a request nothing" in text_of(page.get(URL, {"request": "nothing"}))


def test_a_record_of_a_key_that_is_gone_is_explained_for_any_caller(page, served):
    RequestLog.objects.create(
        id="R", at=timezone.now(), requested_model="turbo", api_key="gone", operation="chat", outcome="success",
    )  # fmt: skip
    answer = page.get(URL, {"request": "R"})
    assert "Its API key is no more, or you may not see API keys" in text_of(answer)
    assert endpoints(answer) == ["first", "second"]


def reader(client, *permissions: str) -> User:
    user = User.objects.create_user("vera", password="pw", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def test_who_may_see_models_may_explain_and_learns_no_keys_and_no_requests(client, served):
    key = ApiKey(name="shop-key-name")
    key.set_key("sk-sy-" + "y" * 40)
    key.save()
    RequestLog.objects.create(id="R", at=timezone.now(), outcome="success", requested_model="turbo", endpoint="first")
    reader(client, "view_publicmodel")
    answer = client.get(URL, {"model": "turbo", "key": "shop-key-name"})
    assert endpoints(answer) == ["first", "second"]
    assert "API key “shop" not in text_of(answer)
    answer = client.get(URL, {"model": "turbo"})
    assert "shop-key-name" not in answer.content.decode()
    assert "/admin/explain/" in client.get("/admin/").content.decode()
    assert "you may not see it" in text_of(client.get(URL, {"request": "R"}))
    document = serialize()
    document["models"]["turbo"]["entries"].reverse()
    assert "~ models/turbo" not in text_of(client.post(URL, {"model": "turbo", "proposed": dump(document)}))


def test_who_may_not_see_models_may_not_explain(client, db):
    reader(client, "view_requestlog")
    assert client.get(URL).status_code == 403
    assert "/admin/explain/" not in client.get("/admin/").content.decode()


def test_a_proposal_that_would_keep_a_processor_busy_is_refused(page, served):
    large = "version: 1\nmodels: {} #" + "x" * MOST_PROPOSED
    assert "larger than 2 MB" in text_of(page.post(URL, {"model": "turbo", "proposed": large}))
    file = SimpleUploadedFile("proposed.yaml", large.encode())
    assert "larger than 2 MB" in text_of(page.post(URL, {"model": "turbo", "file": file}))
