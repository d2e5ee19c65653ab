"""LiteLLM's price map: exact prices and limits for the models that are used here, and for no others."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from routing import catalog
from routing.config.apply import apply
from routing.config.serialize import serialize
from routing.models import ConfigRevision

pytestmark = pytest.mark.django_db

NAME = "model_prices_and_context_window.json"
# The form of the published map: the first row explains the others.
MAP: dict[str, Any] = {
    "sample_spec": {"litellm_provider": "one of https://docs.litellm.ai/docs/providers", "mode": "one of: chat, …",
                    "max_tokens": "LEGACY parameter", "input_cost_per_token": 0.0},
    "m-chat": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 128000, "max_output_tokens": 16384,
               "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
               "cache_read_input_token_cost": 1.25e-06, "input_cost_per_token_batches": 1.25e-06,
               "supports_vision": True, "supports_reasoning": False},
    "m-vectors": {"litellm_provider": "openai", "mode": "embedding", "max_input_tokens": 8191,
                  "input_cost_per_token": 2e-08, "output_cost_per_token": 0.0},
    "xai/m-grok": {"litellm_provider": "xai", "mode": "chat", "input_cost_per_token": 3e-07},
    "groq/m-fast": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 5.9e-07},
    "azure/m-chat": {"litellm_provider": "azure", "mode": "chat", "input_cost_per_token": 9e-06},
    "m-nobody": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 9e-06},
}  # fmt: skip
Import = Callable[..., str]


@pytest.fixture(autouse=True)
def _installation(db: None) -> None:
    """A provider that catalogues a model, endpoints that send others, and a server of one's own."""
    openai = {"kind": "openai", "base_url": "https://api.openai.com/v1", "models": {"m-chat": {}, "m-vectors": {}}}
    openai["models"]["said"] = {"upstream_name": "m-named"}
    groq = {"kind": "openai-compatible", "base_url": "https://api.groq.com/openai/v1"}
    own = {"kind": "openai-compatible", "base_url": "http://gpu.internal/v1", "models": {"m-chat": {}}}
    xai = {"kind": "xai", "base_url": "https://api.x.ai/v1"}
    endpoints = {
        "grok": {"provider": "xai", "upstream_model": "m-grok"},
        "fast": {"provider": "groq", "upstream_model": "m-fast"},
        "any": {"provider": "own", "upstream_model": "*"},
    }
    providers = {"openai": openai, "groq": groq, "own": own, "xai": xai}
    apply({"version": 1, "providers": providers, "endpoints": endpoints}, "test", "test")


def offered(provider: str) -> dict[str, Any]:
    return dict(serialize()["providers"][provider]["models"])


def changed(**figures: Any) -> dict[str, Any]:
    """The map with other facts of ``m-chat``."""
    return {**MAP, "m-chat": {**MAP["m-chat"], **figures}}


def test_what_is_catalogued_or_sent_here_gets_its_figures_exactly_and_nothing_else_is_added(imported: Import) -> None:
    said = imported(NAME, MAP)
    source = {"source": "LiteLLM price map"}
    assert offered("openai")["m-chat"] == {
        "max_input_tokens": 128000,
        "max_output_tokens": 16384,
        "capabilities": ["vision"],
        "prices": [{"input": "2.5", "output": "10", "cached_input": "1.25", **source}],
    }
    assert offered("openai")["m-vectors"] == {
        "type": "text-embeddings-inference",
        "max_input_tokens": 8191,
        "prices": [{"input": "0.02", "output": "0", **source}],
    }
    assert offered("xai") == {"m-grok": {"prices": [{"input": "0.3", **source}]}}
    assert offered("groq") == {"m-fast": {"prices": [{"input": "0.59", **source}]}}
    assert offered("own") == {"m-chat": {}}
    assert "m-nobody" not in offered("openai")
    assert (
        f"! {NAME}: 2 models that neither providers nor endpoints here use are left out: 'azure/m-chat', 'm-nobody'"
        in said
    )
    assert f"! {NAME}: input_cost_per_token_batches has no place here, left out of 1 models" in said


def test_prices_are_reckoned_without_rounding(imported: Import) -> None:
    imported(NAME, changed(input_cost_per_token=1.10000000e-07, output_cost_per_token=4.4e-07))
    catalog.forget()
    (price,) = catalog.current().providers["openai"].models["m-chat"].facts.prices
    assert (price.input, price.output) == (Decimal("0.11"), Decimal("0.44"))


def test_importing_twice_changes_nothing_and_a_dry_run_never_does(imported: Import) -> None:
    before, count = serialize(), ConfigRevision.objects.count()
    assert "to change, nothing was written." in imported(NAME, MAP, "--dry-run")
    assert (serialize(), ConfigRevision.objects.count()) == (before, count)
    imported(NAME, MAP)
    assert imported(NAME, MAP).endswith("Nothing to change.\n")
    assert ConfigRevision.objects.count() == count + 1


def test_a_price_that_changed_begins_now_and_past_costs_stay_explainable(imported: Import) -> None:
    imported(NAME, MAP)
    imported(NAME, changed(input_cost_per_token=2e-06))
    old, new = offered("openai")["m-chat"]["prices"]
    assert (old["input"], new["input"], new["output"]) == ("2.5", "2", "10")
    assert "valid_from" in new
    assert imported(NAME, changed(input_cost_per_token=2e-06)).endswith("Nothing to change.\n")


def test_an_operators_own_price_is_kept_and_said_so(imported: Import) -> None:
    document = serialize()
    mine = {"input": "1", "output": "2", "source": "our contract"}
    document["providers"]["openai"]["models"]["m-chat"] = {"prices": [mine], "capabilities": ["tools"]}
    apply(document, "test", "test")
    said = imported(NAME, MAP)
    assert offered("openai")["m-chat"]["prices"] == [mine]
    assert offered("openai")["m-chat"]["capabilities"] == ["tools", "vision"]
    assert f"! {NAME}, m-chat: the price of openai/m-chat was entered here and is kept" in said


def test_a_price_of_the_products_own_catalogue_is_replaced(imported: Import) -> None:
    document = serialize()
    price = {"input": "1", "output": "2", "source": "genai-prices 0.2.3"}
    row = {"prices": [price], "known": {"price": {**price, "currency": "USD"}}}
    document["providers"]["openai"]["models"]["m-chat"] = row
    apply(document, "test", "test")
    imported(NAME, MAP)
    assert [one["input"] for one in offered("openai")["m-chat"]["prices"]] == ["1", "2.5"]


def test_a_model_is_found_by_the_name_that_is_sent(imported: Import) -> None:
    imported(NAME, {"m-named": MAP["m-chat"]})
    assert offered("openai")["said"]["prices"][0]["input"] == "2.5"


@pytest.mark.parametrize("name", ["openai/gpt-4o", "gpt-4o"])
def test_what_is_sent_to_a_server_of_ones_own_costs_what_its_vendor_asks(imported: Import, name: str) -> None:
    params = {"model": "openai/gpt-4o", "api_base": "http://localhost:4000/v1"}
    elsewhere = {"model": "groq/gpt-4o", "api_key": "sk-1"}
    rows = [{"model_name": "a", "litellm_params": params}, {"model_name": "b", "litellm_params": elsewhere}]
    imported("config.yaml", {"model_list": rows})
    imported(NAME, {name: {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06}})
    assert offered("openai-compatible-localhost")["gpt-4o"]["prices"][0]["input"] == "2.5"
    assert "models" not in serialize()["providers"]["groq"]


def test_a_map_of_ones_own_may_name_the_vendor_before_the_slash_and_be_yaml(imported: Import) -> None:
    imported("prices.yaml", "xai/m-grok: {input_cost_per_token: 4e-07}\n")
    assert offered("xai")["m-grok"]["prices"][0]["input"] == "0.4"


def test_two_thousand_models_flood_nothing(imported: Import) -> None:
    rows = {f"model-{number}": MAP["m-nobody"] for number in range(2000)}
    said = imported(NAME, {**rows, "m-chat": MAP["m-chat"]})
    assert "2,000 models that neither providers nor endpoints here use are left out" in said
    assert len(offered("openai")) == 3


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (changed(input_cost_per_token="cheap"), "m-chat/input_cost_per_token: expected a number from 0 to"),
        (changed(input_cost_per_token=-1), "m-chat/input_cost_per_token: expected a number from 0 to 1,000,000,000"),
        (changed(max_input_tokens=1.5), "m-chat/max_input_tokens: expected a whole number"),
        ({**MAP, "m-list": []}, f"{NAME}, m-list: expected a mapping, not a list"),
        (changed(input_cost_per_token=1e30), "m-chat/input_cost_per_token: expected a number from"),
        (json.dumps(MAP).replace('"mode"', '"mode": 1, "mode"'), "the key 'mode' appears twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_path_and_nothing_is_changed(refused: Import, file: Any, expected: str) -> None:
    assert expected in refused(NAME, file)
