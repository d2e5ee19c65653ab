"""LiteLLM's groups: strategies, weights, orders, aliases, and fallbacks that may lead back to where they came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from routing.config.serialize import serialize

pytestmark = pytest.mark.django_db

NAME = "config.yaml"
Import = Callable[..., str]


def file(groups: dict[str, int | list[dict[str, Any]]], **router: Any) -> str:
    """Groups with so many deployments each, or with these parameters; each deployment a server of its own."""
    rows = []
    for name, deployments in groups.items():
        for index, params in enumerate([{}] * deployments if isinstance(deployments, int) else deployments):
            where = {"model": f"openai/{name}", "api_base": f"http://{name}{index + 1}.internal/v1"}
            rows.append({"model_name": name, "litellm_params": where | params})
    return yaml.safe_dump({"model_list": rows, "router_settings": router})


def at(*names: str) -> list[dict[str, str]]:
    """Entries that are deployments: "a1", or models: "model a"."""
    return [
        {"model": name.removeprefix("model ")}
        if name.startswith("model ")
        else {"endpoint": f"openai-compatible-{name}.internal/{name[0]}"}
        for name in names
    ]


def test_fallbacks_come_after_the_groups_own_deployments_in_their_order(imported: Import) -> None:
    imported(NAME, file({"a": 1, "b": 2, "c": 1}, fallbacks=[{"a": ["c", "b"]}]))
    models = serialize()["models"]
    assert models["a"] == {"entries": at("a1", "c1", "model b")}
    assert models["b"] == {"strategy": "shuffle", "entries": at("b1", "b2")}


def test_fallbacks_that_lead_back_are_tried_once_each(imported: Import) -> None:
    said = imported(
        NAME, file({"a": 2, "b": 2, "c": 1}, fallbacks=[{"a": ["b"]}, {"b": ["c", "a"]}, {"c": ["c", "a"]}])
    )
    models = serialize()["models"]
    assert models["a/deployments"] == {"strategy": "shuffle", "entries": at("a1", "a2")}
    assert models["a"] == {"entries": at("model a/deployments", "model b/deployments", "c1")}
    assert models["b"] == {"entries": at("model b/deployments", "c1", "model a/deployments")}
    assert models["c"] == {"entries": at("c1", "model a/deployments", "model b/deployments")}
    assert "!" not in said


def test_fallbacks_for_all_count_where_a_group_has_none_of_its_own(imported: Import) -> None:
    imported(NAME, file({"a": 1, "b": 1, "c": 1}, fallbacks=[{"a": ["b"]}], default_fallbacks=["c"]))
    models = serialize()["models"]
    assert models["a"]["entries"] == at("a1", "b1", "c1")
    assert models["b"]["entries"] == at("b1", "c1")
    assert models["c"]["entries"] == at("c1")


def test_fallbacks_for_longer_contexts_come_last_and_that_is_said(imported: Import) -> None:
    router = {"context_window_fallbacks": [{"a": ["c"]}], "fallbacks": [{"a": ["b"]}]}
    said = imported(NAME, file({"a": 1, "b": 1, "c": 1}, **router))
    assert serialize()["models"]["a"]["entries"] == at("a1", "b1", "c1")
    where = "router_settings/context_window_fallbacks/0/a"
    assert f"{where}: these are tried after any other failure, too: a now falls to c on any failure" in said


def test_a_group_of_which_nothing_is_left_is_answered_by_its_fallbacks(imported: Import) -> None:
    left_out = {"model": "bedrock/x"}
    said = imported(NAME, file({"a": [left_out], "b": 1}, fallbacks=[{"a": ["b"]}]))
    assert serialize()["models"]["a"]["entries"] == at("b1")
    assert f"! {NAME}, model_list/0: a has no deployment here: answered by b\n" in said


def test_only_models_of_the_same_type_are_fallen_back_to(imported: Import) -> None:
    vectors = {"mode": "embedding"}
    groups = {"a": 1, "b": 1, "v": [vectors], "w": [vectors], "z": [{"model": "bedrock/x"}]}
    said = imported(NAME, file(groups, default_fallbacks=["b", "w"], fallbacks=[{"z": ["w", "b"]}]))
    models = serialize()["models"]
    assert {name: models[name]["entries"] for name in "avz"} == {
        "a": at("a1", "b1"),
        "v": at("v1", "w1"),
        "z": at("w1"),
    }
    assert models["z"]["type"] == models["v"]["type"] == "text-embeddings-inference"
    where = "router_settings/default_fallbacks"
    types = "text-generation", "text-embeddings-inference"
    assert f"{where}: w is of type {types[1]} and answers for no {types[0]}: no fallback of a\n" in said
    assert f"{where}: b is of type {types[0]} and answers for no {types[1]}: no fallback of v\n" in said


def test_an_alias_can_be_fallen_back_to_and_unknown_names_are_noted(imported: Import) -> None:
    aliases = {"old": "b", "hidden": {"model": "a", "hidden": True}, "a": "b", "lost": "nobody"}
    said = imported(
        NAME, file({"a": 1, "b": 1}, model_group_alias=aliases, fallbacks=[{"a": ["old", "x"]}, {"z": ["a"]}])
    )
    models = serialize()["models"]
    assert models["a"] == {"aliases": ["hidden"], "entries": at("a1", "b1")}
    assert models["b"] == {"aliases": ["old"], "entries": at("b1")}
    for line in (
        "router_settings/model_group_alias/a: is a group of model_list itself, which answers; the alias is left out",
        "router_settings/model_group_alias/lost: there is no group 'nobody' in model_list, left out",
        "router_settings/fallbacks/0/a: there is no model 'x', left out",
        "router_settings/fallbacks/1/z: is no group of model_list, left out",
    ):
        assert f"! {NAME}, {line}" in said


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("simple-shuffle", "shuffle"),
        ("least-busy", "least_busy"),
        ("latency-based-routing", "fastest"),
        ("cost-based-routing", "cheapest"),
        ("usage-based-routing-v2", "least_busy"),
    ],
)
def test_each_strategy_has_its_nearest_here(imported: Import, theirs: str, ours: str) -> None:
    said = imported(NAME, file({"a": 2}, routing_strategy=theirs))
    assert serialize()["models"]["a"]["strategy"] == ours
    assert ("the nearest here is least_busy" in said) == theirs.startswith("usage")


@pytest.mark.parametrize(
    ("params", "weights"),
    [
        ([{"weight": 1}, {"weight": 9}], [1, 9]),
        ([{"weight": 0.7}, {"weight": 0.3}], [700, 300]),
        ([{"weight": 2}, {}], [2, 0]),
        ([{"rpm": 10}, {"rpm": 990}], [10, 990]),
        ([{"tpm": 10}, {"tpm": 5}], [10, 5]),
    ],
)
def test_a_shuffle_with_weights_or_limits_is_weighted_by_them(
    imported: Import, params: list[dict[str, Any]], weights: list[int]
) -> None:
    imported(NAME, file({"a": params}))
    group = serialize()["models"]["a"]
    assert group["strategy"] == "weighted"
    assert [entry.get("weight", 1) for entry in group["entries"]] == weights


def test_orders_are_priorities_and_those_without_one_come_last(imported: Import) -> None:
    imported(NAME, file({"a": [{"order": 2}, {}, {"order": 1}]}))
    group = serialize()["models"]["a"]
    assert group["strategy"] == "priority"
    priorities = [entry["priority"] for entry in group["entries"]]
    assert sorted(range(3), key=priorities.__getitem__) == [2, 0, 1]


@pytest.mark.parametrize(
    ("router", "expected"),
    [
        ({"routing_strategy": "fast"}, "routing_strategy: unknown: 'fast'; known: simple-shuffle, least-busy, latency"),
        ({"fallbacks": {"a": ["b"]}}, "router_settings/fallbacks: expected a list, not a mapping"),
        ({"fallbacks": ["b"]}, "router_settings/fallbacks/0: expected a mapping, not text"),
        ({"fallbacks": [{"a": "b"}]}, "router_settings/fallbacks/0/a: expected a list, not text"),
        ({"fallbacks": [{"a": [{"model": "b"}]}]}, "router_settings/fallbacks/0/a/0: expected text, not a mapping"),
        ({"model_group_alias": {"x": ["a"]}}, "router_settings/model_group_alias/x: expected text, not a list"),
        ({"model_group_alias": {"code": "a"}}, "'code' is already the name of"),
        ({"num_retries": "some"}, "router_settings/num_retries: expected a number from 0 to 1,000,000,000, not text"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(refused: Import, router: dict[str, Any], expected: str) -> None:
    assert expected in refused(NAME, file({"a": 1, "b": 1}, **router))
