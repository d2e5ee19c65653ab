"""``manage.py update_catalogue``: known facts move on, operators' values stay."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from providers.catalogue import known_models, priced
from providers.catalogue.refresh import newest_price, refresh
from providers.models import Price, ProviderModel

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def line_of(provider, name):
    return next(line for line in known_models() if (line.provider, line.name) == (provider, name))


def row_of(provider, name):
    return ProviderModel.objects.get(provider__name=provider, name=name)


def nobody_publishes(provider, model):
    return None


def priced_at(input, output):
    return priced({"input": Decimal(input), "output": Decimal(output), "cached_input": None, "cache_write": None}, "t")


def outcomes(findings):
    return {(finding.field, finding.outcome) for finding in findings}


@pytest.mark.django_db
def test_a_fresh_installation_has_nothing_to_change():
    out = StringIO()
    call_command("update_catalogue", "--add", stdout=out)
    assert "Everything known is up to date." in out.getvalue()
    assert "deepinfra/google/gemma-2-9b-it" in out.getvalue()  # listed as without a known price


@pytest.mark.django_db
def test_a_new_fact_replaces_the_catalogues_own_and_is_remembered():
    line = replace(line_of("openai", "o1"), max_input_tokens=250000)
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("max_input_tokens", "changed")}
    row = row_of("openai", "o1")
    assert row.max_input_tokens == row.known["max_input_tokens"] == 250000
    assert refresh([line], nobody_publishes, NOW, add=False) == []


@pytest.mark.django_db
def test_an_operators_value_is_kept_and_listed():
    row = row_of("openai", "o1")
    row.max_input_tokens = 1000
    row.save()
    line = replace(line_of("openai", "o1"), max_input_tokens=250000)
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("max_input_tokens", "kept")}
    assert row_of("openai", "o1").max_input_tokens == 1000


@pytest.mark.django_db
def test_an_unknown_never_replaces_a_known():
    line = replace(line_of("openai", "o1"), max_input_tokens=None)
    assert refresh([line], nobody_publishes, NOW, add=False) == []
    assert row_of("openai", "o1").max_input_tokens == 200000


@pytest.mark.django_db
def test_a_changed_price_is_a_new_dated_row_and_the_old_one_stays():
    line = replace(line_of("openai", "o1"), price=priced_at("10", "40"), follows=None)
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("price", "changed")}
    old, new = row_of("openai", "o1").prices.all()
    assert (old.valid_from, old.input) == (None, 15)
    assert (new.valid_from, new.input, new.output) == (NOW, 10, 40)
    assert refresh([line], nobody_publishes, NOW, add=False) == []


@pytest.mark.django_db
def test_an_operators_price_is_kept():
    price = row_of("openai", "o1").prices.get()
    price.input = Decimal("1.5")
    price.save()
    line = replace(line_of("openai", "o1"), price=priced_at("10", "40"), follows=None)
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("price", "kept")}
    assert row_of("openai", "o1").prices.get().input == Decimal("1.5")


@pytest.mark.django_db
def test_a_price_that_an_operator_removed_stays_removed():
    line = replace(line_of("openai", "o1"), price=priced_at("10", "40"), follows=None)
    row_of("openai", "o1").prices.get().delete()
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("price", "kept")}
    assert not row_of("openai", "o1").prices.exists()


@pytest.mark.django_db
def test_where_an_operator_has_announced_a_price_none_is_added():
    line = replace(line_of("openai", "o1"), price=priced_at("10", "40"), follows=None)
    Price(model=row_of("openai", "o1"), valid_from=datetime(2028, 1, 1, tzinfo=UTC), input=9, output=9).save()
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("price", "kept")}
    assert row_of("openai", "o1").prices.count() == 2


@pytest.mark.django_db
def test_a_price_that_becomes_known_is_written():
    line = replace(line_of("google", "gemini-1.5-flash-8b"), price=priced_at("0.1", "0.2"))
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("price", "changed")}
    assert row_of("google", "gemini-1.5-flash-8b").prices.get().input == Decimal("0.1")


@pytest.mark.django_db
def test_a_model_the_operator_made_is_left_alone():
    mine = row_of("openai", "o1")
    mine.known = {}
    mine.save()
    line = replace(line_of("openai", "o1"), max_output_tokens=5)
    assert outcomes(refresh([line], nobody_publishes, NOW, add=False)) == {("max_output_tokens", "kept")}


@pytest.mark.django_db
def test_missing_models_are_added_only_when_asked():
    row_of("openai", "o1").delete()
    line = line_of("openai", "o1")
    assert refresh([line], nobody_publishes, NOW, add=False) == []
    assert outcomes(refresh([line], nobody_publishes, NOW, add=True)) == {("model", "added")}
    assert row_of("openai", "o1").prices.get().output == 60


def test_the_followed_price_list_wins_where_it_differs_and_fills_where_it_agrees():
    line = replace(line_of("openai", "o1"), price=priced_at("15", "60"), follows=("openai", "o1"))
    assert newest_price(line, lambda *_: priced_at("14", "60")).input == 14
    agreed = priced(
        {"input": Decimal(15), "output": Decimal(60), "cached_input": Decimal(1), "cache_write": None}, "list"
    )
    assert newest_price(line, lambda *_: agreed).cached_input == 1
    assert newest_price(replace(line, follows=None), lambda *_: agreed).cached_input is None


@pytest.mark.django_db
def test_a_dry_run_reports_and_changes_nothing():
    row = row_of("openai", "o1")
    row.known["max_input_tokens"] = row.max_input_tokens = 7
    row.save()
    out = StringIO()
    call_command("update_catalogue", "--dry-run", stdout=out)
    assert "openai/o1" in out.getvalue()
    assert "1 would change." in out.getvalue()
    assert row_of("openai", "o1").max_input_tokens == 7
    call_command("update_catalogue", stdout=StringIO())
    assert row_of("openai", "o1").max_input_tokens == 200000
