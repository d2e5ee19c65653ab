"""What is printed when the gateway is ready can be pasted."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from gateway_project.greeting import about_names, first_model, greeting, no_model, presented_key
from gateway_project.start_log import lines
from providers.wire import Limits, Target
from routing.management.telling import pasted
from routing.models.access import hash_key
from routing.types import Candidate, Catalog, Facts, Grant, ListedModel, PriceInForce, ProviderEntry, Route

EMPTY = Catalog(1, {}, {}, {}, {}, {}, {}, {}, ())


def candidate(output: str | None) -> Candidate:
    price = PriceInForce(0.0, "USD", None, Decimal(output) if output else None)
    target = Target("p", "openai", "openai", "http://x", "m")
    return Candidate("e", "i", target, (), Facts(prices=(price,)), Limits())


def catalog(*public: str, types: dict[str, str] | None = None, **prices: str | None) -> Catalog:
    names = [*prices, *public]
    listed = tuple(ListedModel(name, (types or {}).get(name, "text-generation"), "x", 0) for name in names)
    routes = {name: Route(name, name, "model", "text-generation", "ordered", ()) for name in public}
    bare = {name: (candidate(output),) for name, output in prices.items()}
    return Catalog(1, routes, {}, {}, {}, {}, bare, {}, listed)


def wildcard(*kinds: str) -> Route:
    """``*`` over a service a kind, which passes names on."""
    places = tuple(
        replace(candidate(None), endpoint=kind, target=Target(kind, kind, "openai", "http://x", "*"), priority=rank)
        for rank, kind in enumerate(kinds)
    )
    return Route("*", "*", "model", "", "priority", places)


def first(served: Catalog) -> str | None:
    return first_model(served, own_categories=False)


def curl_words(text: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith("  curl ")]
    return shlex.split(line)


def test_the_curl_line_is_one_a_shell_understands() -> None:
    words = curl_words(greeting("http://127.0.0.1:8000", "sk-sy-x", "", "it's a model", ""))
    assert words[:4] == ["curl", "http://127.0.0.1:8000/v1/chat/completions", "-H", "Authorization: Bearer sk-sy-x"]
    assert json.loads(words[-1])["model"] == "it's a model"


def test_without_authentication_the_curl_line_presents_no_key() -> None:
    assert "Authorization" not in greeting("http://x", None, "", "m", "")


def test_without_a_model_it_says_what_to_set() -> None:
    text = greeting("http://x", None, "", None, no_model(EMPTY, own_categories=False))
    assert "OPENAI_API_KEY" in text
    assert f"{pasted('import_config', 'FILE')}\n" in text
    assert "make demo" in text
    assert json.loads(curl_words(text)[-1])["model"] == "gpt-4o-mini"


def test_the_operators_own_names_come_first_then_the_usual_one_then_the_least_expensive() -> None:
    assert first(catalog("ours", cheap="0.1", dear="30")) == "ours"
    assert first(catalog(dear="30", unknown=None, cheap="0.1")) == "cheap"
    assert first(catalog(**{"cheap": "0.1", "gpt-4o-mini": "0.6"})) == "gpt-4o-mini"
    assert first(catalog(unknown=None)) == "unknown"
    assert first(catalog(vectors="0.01", types={"vectors": "text-embeddings-inference"})) is None
    assert first(EMPTY) is None


def test_a_server_that_needs_no_key_is_proposed_last() -> None:
    target = candidate(None).target
    local = ProviderEntry("x", "ollama", 0, True, target, (), keyless=True, missing=())
    priced = catalog(cheap="0")
    paid = ListedModel("paid", "text-generation", "vendor", 0)
    assert first(replace(priced, providers={"x": local}, listed=(*priced.listed, paid))) == "paid"


def test_the_router_is_proposed_where_somebody_made_the_categories() -> None:
    route = Route("conversation", "conversation", "category", "text-generation", "ordered", ())
    served = replace(catalog("conversation", cheap="0.1"), routes={}, categories={"conversation": route})
    assert first_model(served, own_categories=True) == "router"
    assert first_model(served, own_categories=False) == "cheap"


def test_services_that_answer_every_name_are_told_and_proposed_a_name_they_have() -> None:
    served = replace(EMPTY, wildcard=wildcard("cerebras", "mistral", "openai"))
    assert first(served) == "ministral-3b-latest"
    assert about_names(served) == "Any model name is answered by 3 services: cerebras, mistral, openai."
    assert first(replace(EMPTY, wildcard=wildcard("openai"))) == "gpt-4o-mini"
    assert list(lines(served))[-1] == (
        "Loaded: 0 endpoints, 1 public models, 1 callable; "
        "any other name is answered by 3 services: cerebras, mistral, openai"
    )


def test_configured_models_without_keys_say_whose_are_missing() -> None:
    why = "provider acme has no key: set ACME_KEY, or add a key in the admin"
    lacking = replace(candidate(None), reason_skipped=why, skip_code="no_key")
    served = replace(EMPTY, wildcard=Route("*", "*", "model", "", "priority", (lacking,)))
    assert first(served) is None
    text = greeting("http://x", None, "", None, no_model(served, own_categories=False))
    assert f"No model can be called yet:\n  {why}\nThen:\n  curl " in text


def test_the_key_is_shown_only_by_the_start_that_made_it(tmp_path: Path) -> None:
    login = tmp_path / "first login.txt"
    assert presented_key(EMPTY, "sk-sy-new", "", login) == ("sk-sy-new", "")
    assert presented_key(EMPTY, None, "", login)[0] == "$GATEWAY_API_KEY"
    login.write_text("User:     admin\nAPI key:  sk-sy-filed\n")
    command, note = presented_key(EMPTY, None, "", login)
    assert (command, note) == (f"$(sed -n 's/^API key: *//p' '{login}')", "")


def test_a_key_of_the_environment_is_named_only_while_it_opens_anything(tmp_path: Path) -> None:
    served = Catalog(1, {}, {}, {}, {}, {}, {}, {hash_key("key-of-mine"): Grant("first", "key", frozenset())}, ())
    assert "as set for the gateway" in presented_key(served, None, "key-of-mine", tmp_path / "none")[1]
    assert "as set for the gateway" not in presented_key(EMPTY, None, "key-of-mine", tmp_path / "none")[1]
