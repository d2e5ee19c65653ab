"""What a fresh installation knows: vendors, models, prices. The rows come from the data migration itself."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from providers.catalogue import known_models, known_providers, price_as_known
from providers.kinds import KINDS
from providers.models import Price, Provider, ProviderKey, ProviderModel

SHARED = Path(__file__).resolve().parents[3] / "shared" / "reference" / "catalogue.json"
VENDORS = [
    "openai",
    "anthropic",
    "mistral",
    "cohere",
    "deepseek",
    "xai",
    "google",
    "qwen",
    "ai21",
    "perplexity",
    "deepinfra",
]
OTHERS = ["openrouter", "ollama", "cerebras", "ovhcloud", "vllm", "tei", "albert"]


def model(name: str) -> ProviderModel:
    provider, _, rest = name.partition("/")
    return ProviderModel.objects.get(provider__name=provider, name=rest)


@pytest.mark.django_db
def test_every_vendor_has_a_row_with_its_address_and_key_variables():
    rows = {provider.name: provider for provider in Provider.objects.all()}
    assert sorted(rows) == sorted(VENDORS + OTHERS)
    for name, provider in rows.items():
        assert provider.kind == name
        variables = list(provider.keys.order_by("position").values_list("env_var", flat=True))
        assert tuple(variables) == KINDS[name].env_vars
        provider.full_clean()


@pytest.mark.django_db
def test_servers_of_ones_own_are_keyless_and_switched_off():
    assert set(Provider.objects.filter(enabled=False).values_list("name", flat=True)) == {"ollama", "vllm", "tei"}
    assert set(Provider.objects.filter(keyless=True).values_list("name", flat=True)) == {"ollama", "vllm", "tei"}


@pytest.mark.django_db
def test_direct_vendors_come_before_those_who_resell():
    order = list(Provider.objects.order_by("position").values_list("name", flat=True))
    resellers = [order.index("deepinfra"), order.index("openrouter")]
    direct = [order.index(name) for name in VENDORS if name != "deepinfra"]
    assert max(direct) < min(resellers)


@pytest.mark.django_db
def test_the_gateways_one_hundred_and_three_models_are_there():
    counts = {"openai": 11, "anthropic": 6, "mistral": 8, "cohere": 12, "deepseek": 2, "xai": 1, "google": 3}
    counts |= {"qwen": 16, "ai21": 2, "perplexity": 6, "deepinfra": 36}
    added_by_the_category_router = {"openai": 1, "anthropic": 2}
    for name, count in counts.items():
        there = ProviderModel.objects.filter(provider__name=name).count()
        assert there == count + added_by_the_category_router.get(name, 0), name


@pytest.mark.django_db
@pytest.mark.skipif(not SHARED.exists(), reason="the reference list is not beside this checkout")
def test_limits_and_prices_equal_the_reference_list_where_it_knows_them():
    for line in json.loads(SHARED.read_text())["models"]:
        row = model(f"{line['provider']}/{line['model']}")
        if line.get("max_input_tokens") is not None:
            assert row.max_input_tokens == line["max_input_tokens"], row
        assert row.max_output_tokens == line.get("max_output_tokens"), row
        assert set(line.get("capabilities", [])) <= set(row.capabilities), row
        if line.get("price") != "unknown":
            price = row.prices.get()
            assert price.input == Decimal(str(line["input_usd_per_1m"])), row
            assert price.output == Decimal(str(line["output_usd_per_1m"])), row


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "sent", "input", "output"),
    [
        ("openrouter/kimi-k2.5", "moonshotai/kimi-k2.5", "0.6", "3"),
        ("openrouter/moonshotai/kimi-k2.5", "", "0.6", "3"),
        ("openrouter/glm-5", "z-ai/glm-5", "0.05", "0.15"),
        ("openrouter/z-ai/glm-5", "", "0.05", "0.15"),
        ("openai/gpt-4o", "", "2.5", "10"),
        ("openai/gpt-4o-mini", "", "0.15", "0.6"),
        ("anthropic/claude-3-opus", "claude-3-opus-20240229", "15", "75"),
        ("anthropic/claude-3-opus-20240229", "", "15", "75"),
        ("anthropic/claude-3-sonnet", "claude-3-sonnet-20240229", "3", "15"),
        ("anthropic/claude-3-sonnet-20240229", "", "3", "15"),
        ("google/gemini-1.5-pro", "", "1.25", "5"),
        ("ollama/llama3.1", "", "0", "0"),
    ],
)
def test_the_category_routers_models_have_both_spellings_and_its_prices(name, sent, input, output):
    row = model(name)
    price = row.prices.get()
    assert row.upstream_name == sent
    assert (price.input, price.output, price.currency) == (Decimal(input), Decimal(output), "USD")


@pytest.mark.django_db
def test_an_unknown_price_is_no_price_row_and_never_zero():
    assert not model("google/gemini-1.5-flash-8b").prices.exists()
    assert not model("deepinfra/google/gemma-2-9b-it").prices.exists()
    free = Price.objects.filter(input=0).values_list("model__provider__name", flat=True)
    assert set(free) == {"ollama"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["openai/o1", "openai/o3-mini", "deepseek/deepseek-reasoner", "perplexity/sonar-reasoning",
             "perplexity/r1-1776", "deepinfra/deepseek-ai/DeepSeek-R1"]
)  # fmt: skip
def test_models_that_reason_say_so(name):
    assert "reasoning" in model(name).capabilities


@pytest.mark.django_db
def test_what_the_migration_froze_is_what_the_catalogue_of_this_release_says():
    """While no later data migration exists, a fresh installation has nothing to refresh."""
    rows = {(row.provider.name, row.name): row for row in ProviderModel.objects.select_related("provider")}
    for line in known_models():
        known = line.facts() | ({"price": price_as_known(line.price)} if line.price else {})
        assert rows[line.provider, line.name].known == known
    for line in known_providers():
        assert Provider.objects.get(name=line.name).base_url == line.base_url
        assert ProviderKey.objects.filter(provider__name=line.name).count() == len(line.env_vars)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_going_back_removes_only_what_nobody_has_touched():
    mistral = Provider.objects.get(name="mistral")
    mistral.base_url = "https://proxy.internal/mistral"
    mistral.save()
    touched = model("openai/gpt-4o")
    touched.max_input_tokens = 64000
    touched.save()
    Provider(name="mine", kind="openai-compatible", base_url="http://127.0.0.1:9/v1").save()
    try:
        MigrationExecutor(connection).migrate([("providers", "0001_initial")])
        assert set(Provider.objects.values_list("name", flat=True)) == {"mine", "mistral", "openai"}
        assert list(ProviderModel.objects.values_list("name", flat=True)) == ["gpt-4o"]
    finally:
        call_command("migrate", verbosity=0)
    assert Provider.objects.count() == len(VENDORS + OTHERS) + 1
    assert Provider.objects.get(name="mistral").base_url == "https://proxy.internal/mistral"
