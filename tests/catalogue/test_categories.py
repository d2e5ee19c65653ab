"""The categories that come with an installation: their chains, how they arrive, and how they leave."""

from importlib import import_module

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from providers.models import Provider
from routing import catalog
from routing.config.revisions import reconcile
from routing.models import Alias, Category, ConfigRevision, Endpoint, Entry, PublicModel
from routing.resolve import resolve

KIMI, GLM, MINI = "openrouter/kimi-k2.5", "openrouter/glm-5", "openai/gpt-4o-mini"
CHAINS = {
    "tools": [KIMI, GLM, MINI],
    "code": [GLM, MINI, KIMI],
    "reasoning": [KIMI, GLM, MINI],
    "conversation": [GLM, MINI, KIMI],
}
MIGRATION = ("routing", "0003_categories")


def chains():
    return {
        row.name: list(row.entries.order_by("position").values_list("endpoint__name", flat=True))
        for row in Category.objects.all()
    }


def migration():
    """Its functions, and the tables as it knows them: the present ones may have columns that were added since."""
    apps = MigrationLoader(connection).project_state(MIGRATION).apps
    return import_module("routing.migrations.0003_categories"), apps


def back():
    module, apps = migration()
    module.remove(apps, None)


def forth():
    module, apps = migration()
    module.add(apps, None)


@pytest.mark.django_db
def test_the_category_routers_chains_are_there():
    assert chains() == CHAINS
    sent = dict(Endpoint.objects.values_list("name", "upstream_model"))
    assert sent == {KIMI: "moonshotai/kimi-k2.5", GLM: "z-ai/glm-5", MINI: "gpt-4o-mini"}
    for row in [*Category.objects.all(), *Endpoint.objects.all()]:
        row.full_clean()


@pytest.mark.django_db
def test_every_weight_is_that_of_a_keyword():
    for row in Category.objects.all():
        assert set(row.weights) <= set(row.keywords)
    assert Category.objects.get(name="tools").keywords == []
    assert {"refactor", "fonction récursive", "bucle infinito"} <= set(Category.objects.get(name="code").keywords)
    assert {"riddle", "énigme", "acertijo"} <= set(Category.objects.get(name="reasoning").keywords)


@pytest.mark.django_db
@pytest.mark.parametrize("weights", [["a"], {"a": "2"}, {"a": True}, {"a": None}, {"a": float("nan")}])
def test_weights_are_numbers(weights):
    with pytest.raises(ValidationError) as caught:
        Category(name="mine", keywords=["a"], weights=weights).save()
    assert "weights" in caught.value.message_dict


@pytest.mark.django_db
@pytest.mark.parametrize("model", [KIMI, GLM, MINI])
def test_names_as_callers_write_them_mean_the_endpoints_of_the_chains(model):
    catalog.forget()
    (one,) = resolve(catalog.current(), model, None, {}).candidates
    assert one.endpoint == model
    catalog.forget()


@pytest.mark.django_db
def test_an_upgrade_adds_them_and_is_a_revision():
    back()
    assert (chains(), Endpoint.objects.count()) == ({}, 0)
    reconcile()
    forth()
    assert reconcile() is not None
    newest = ConfigRevision.objects.first()
    assert {change["path"] for change in newest.diff} == {
        *(f"categories/{name}" for name in CHAINS),
        *(f"endpoints/{name}" for name in (KIMI, GLM, MINI)),
    }


@pytest.mark.django_db
def test_what_an_operator_has_is_left_alone():
    back()
    Category(name="code", keywords=["mine"]).save()
    turbo = PublicModel(name="turbo")
    turbo.save()
    Alias(name="reasoning", model=turbo).save()
    provider = Provider.objects.get(name="openrouter")
    Endpoint(name="fast-glm", provider=provider, upstream_model="z-ai/glm-5", retries=3).save()
    Endpoint(name=KIMI, provider=provider, upstream_model="another").save()
    Provider.objects.get(name="openai").delete()
    forth()
    assert Category.objects.get(name="code").keywords == ["mine"]
    assert chains() == {
        "code": [],
        "tools": [f"{KIMI} (router)", "fast-glm"],
        "conversation": ["fast-glm", f"{KIMI} (router)"],
    }
    assert Endpoint.objects.get(name="fast-glm").retries == 3


@pytest.mark.django_db
def test_going_back_removes_only_what_nobody_has_touched():
    code = Category.objects.get(name="code")
    code.keywords = [*code.keywords, "our own framework"]
    code.save()
    Entry.objects.filter(owner_category__name="tools").last().delete()
    glm = Endpoint.objects.get(name=GLM)
    glm.retries = 0
    glm.save()
    back()
    assert set(Category.objects.values_list("name", flat=True)) == {"code", "tools"}
    assert set(Endpoint.objects.values_list("name", flat=True)) == {KIMI, GLM, MINI}
    for row in Category.objects.all():
        row.delete()
    forth()
    assert chains() == CHAINS
    assert Endpoint.objects.get(name=GLM).retries == 0
