"""Export and import are exact inverses; a wrong document changes nothing; secrets stay, or are dropped, never shown."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.models import Provider, ProviderHeader, ProviderKey
from routing.config import text
from routing.config.amend import amend
from routing.config.apply import apply
from routing.config.check import check
from routing.config.diff import render
from routing.config.document import DocumentError, SecretsWouldMove
from routing.config.revisions import revision
from routing.config.serialize import read, serialize
from routing.config.shape import _SAID_OTHERWISE, columns, parsed
from routing.models import ConfigRevision, Endpoint, Entry, PublicModel
from tests.config.conftest import document

pytestmark = pytest.mark.django_db


def changed(base, path, value):
    """A copy of ``base`` with ``value`` at ``path``; ``...`` takes it away."""
    copied = copy.deepcopy(base)
    *way, last = path.split("/")
    here = copied
    for step in way:
        here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
    if value is ...:
        del here[int(last) if isinstance(here, list) else last]
    else:
        here[int(last) if isinstance(here, list) else last] = value
    return copied


def test_the_products_own_seed_survives_export_and_import_exactly():
    before = serialize()
    written = text.dump(before)
    apply({"version": 1}, "ada", "test")
    assert serialize() == {"version": 1}
    apply(text.load(written), "ada", "test")
    assert serialize() == before
    assert text.dump(serialize()) == written


def test_importing_twice_changes_nothing(small):
    count = ConfigRevision.objects.count()
    ids = list(Entry.objects.values_list("pk", flat=True))
    assert apply(text.load(text.dump(serialize())), "ada", "test") == []
    assert ConfigRevision.objects.count() == count
    assert list(Entry.objects.values_list("pk", flat=True)) == ids


NAMES = st.sampled_from(["a", "b", "c", "d/e", "été", "x y"])
ENTRY = {"priority": st.integers(-5, 5).filter(bool), "weight": st.integers(2, 9), "enabled": st.just(False)}


@st.composite
def documents(draw):
    """Documents in canonical form over a few names."""
    providers = draw(st.lists(st.sampled_from(["p", "q", "r"]), unique=True))
    said = {"version": 1}
    said["providers"] = {
        name: {
            "kind": draw(st.sampled_from(["openai", "ollama"])),
            "base_url": f"https://{draw(st.sampled_from(['one', 'two']))}.example/v1",
            **draw(st.fixed_dictionaries({}, optional={
                "position": st.integers(1, 9),
                "description": st.text("aé'\":#\n{", min_size=1),
                "extra_body": st.just({"store": False, "n": [1, None, 2.5]}),
                "keys": st.lists(st.sampled_from(["k1", "k2", "k3"]), min_size=1, unique=True).map(
                    lambda labels: [{"label": label, "env": label.upper()} for label in labels]),
                "headers": st.just([{"name": "X-A", "value": "1"}, {"name": "X-B", "value": ""}]),
                "models": st.just({"m": {"prices": [{"input": "0.000000001"}, {"valid_from": "2026-01-31T00:00:00Z",
                                                                              "output": "20"}]}}),
            })),
        }
        for name in sorted(providers)
    }  # fmt: skip
    if providers:
        places = draw(st.lists(
            st.tuples(st.sampled_from(providers), st.sampled_from(["m", "n", "*"]), st.sampled_from(["", "https://e.example"])),
            unique=True, max_size=4))  # fmt: skip
        names = draw(st.permutations(["e1", "e2", "e3", "e4"]))
        said["endpoints"] = {
            name: {"provider": place[0], "upstream_model": place[1]} | ({"base_url": place[2]} if place[2] else {})
            for name, place in sorted(zip(names, places, strict=False))
        }
    names = sorted(draw(st.lists(NAMES, unique=True, max_size=6)))
    public, aliases, categories = names[::3], names[1::3], names[2::3]
    targets = [{"endpoint": name} for name in said.get("endpoints", {})]
    entries = st.just([])
    if targets:
        line = st.tuples(st.sampled_from(targets), st.fixed_dictionaries({}, optional=ENTRY)).map(
            lambda two: two[0] | two[1]
        )
        entries = st.lists(line, max_size=3)
    said["models"] = {name: _filled(entries=draw(entries)) for name in public}
    for number, name in enumerate(public[1:]):
        said["models"][name].setdefault("entries", []).append({"model": public[number]})
    if public and aliases:
        said["models"][public[0]]["aliases"] = aliases
    said["categories"] = {name: _filled(entries=draw(entries), keywords=draw(st.sampled_from([[], ["a", "b"]])))
                          for name in categories}  # fmt: skip
    return {name: part for name, part in said.items() if part}


def _filled(**parts):
    return {name: part for name, part in parts.items() if part}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents(), documents())
def test_any_document_can_follow_any_other_exactly(db, first, second):
    apply(first, "ada", "test")
    assert serialize() == first
    assert apply(second, "ada", "test", dry_run=True) == apply(second, "ada", "test")
    assert serialize() == second
    assert text.load(text.dump(second)) == second


def test_a_dry_run_tells_the_same_and_changes_nothing(small):
    before, count = serialize(), ConfigRevision.objects.count()
    target = changed(changed(small, "models/turbo/strategy", "priority"), "endpoints/home-1/total_timeout", 30)
    rehearsed = apply(target, "ada", "test", dry_run=True)
    assert (serialize(), ConfigRevision.objects.count()) == (before, count)
    assert rehearsed == apply(target, "ada", "test")
    assert render(rehearsed) == [
        "~ endpoints/home-1/total_timeout: 20.5 → 30.0",
        "+ models/turbo/strategy: priority",
    ]


def test_two_endpoints_may_change_places(small):
    target = changed(small, "endpoints/home-1", {"provider": "acme", "upstream_model": "m-1"})
    target["endpoints"]["acme-1"] = {"provider": "home", "upstream_model": "m-1"}
    before = {row.name: row.pk for row in Endpoint.objects.all()}
    apply(target, "ada", "test")
    assert serialize() == target
    assert {row.name: row.pk for row in Endpoint.objects.all()} == before


def test_an_alias_may_become_a_model_and_a_model_an_alias(small):
    target = changed(small, "models", {"fast": {"aliases": ["turbo"], "entries": [{"endpoint": "home-1"}]}})
    apply(target, "ada", "test")
    assert serialize() == target


WRONG = [
    ("version", 2, "version: expected 1, not 2"),
    ("surprise", {}, "surprise: unknown key"),
    ("models", [], "models: expected a mapping of names, not []"),
    ("models/turbo", None, "models/turbo: expected a mapping, not None"),
    ("models/turbo/strategie", "x", "models/turbo/strategie: unknown key; known here: aliases, description"),
    ("models/turbo/strategy", "alphabetical", "models/turbo/strategy: expected one of ordered, priority"),
    ("models/turbo/type", 3, "models/turbo/type: expected text, not 3 (quote it"),
    ("models/turbo/enabled", "yes", "models/turbo/enabled: expected true or false, not 'yes'"),
    ("models/turbo/aliases", "fast", "models/turbo/aliases: expected a list, not 'fast'"),
    ("models/turbo/aliases", [1], "models/turbo/aliases/0: expected text, not 1"),
    ("models/turbo/aliases", ["a", "a"], "models/turbo/aliases/1: 'a' is already the name of an alias"),
    ("models/turbo/aliases", ["turbo"], "models/turbo/aliases/0: 'turbo' is already the name of a model"),
    ("models/turbo/aliases", ["a\nb"], "models/turbo/aliases/0: 1 to 200 characters"),
    ("models/auto", {}, "models/auto: 'auto' is reserved"),
    ("models/router~1x", {}, "models/router/x: 'router/x' is reserved"),
    ("categories/*", {}, "categories/*: '*' is reserved"),
    ("categories/turbo", {}, "categories/turbo: 'turbo' is already the name of a model"),
    ("models/turbo/entries/0/endpoint", "acme-2", "models/turbo/entries/0/endpoint: there is no endpoint 'acme-2'; did "
                                                  "you mean 'acme-1'?"),
    ("models/turbo/entries/0/model", "turbo", "models/turbo/entries/0: expected exactly one of endpoint"),
    ("models/turbo/entries/0", {"model": "turbo"}, "models/turbo/entries: leads back to itself: turbo → turbo"),
    ("models/turbo/entries/0/weight", -1, "models/turbo/entries/0/weight: Ensure this value is greater"),
    ("models/turbo/entries/0/weight", 10**30, "models/turbo/entries/0/weight: Ensure this value is less"),
    ("models/turbo/entries/0", "acme-1", "models/turbo/entries/0: expected a mapping, not 'acme-1'"),
    ("endpoints/home-1/provider", "hone", "provider: there is no provider 'hone'; did you mean 'home'?"),
    ("endpoints/home-1/provider", ..., "endpoints/home-1/provider: expected a provider's name"),
    ("endpoints/home-1/upstream_model", ..., "endpoints/home-1/upstream_model: This field cannot be blank"),
    ("endpoints/home-1/total_timeout", "20", "endpoints/home-1/total_timeout: expected a number, not '20'"),
    ("endpoints/home-1/total_timeout", 0, "endpoints/home-1/total_timeout: Ensure this value is greater"),
    ("endpoints/home-1/total_timeout", float("nan"), "endpoints/home-1/total_timeout: expected a number, not nan"),
    ("endpoints/home-1/base_url", "ftp://x", "endpoints/home-1/base_url: Expected an absolute URL"),
    ("endpoints/twin", {"provider": "home", "upstream_model": "m-1"}, "endpoints/twin: the same provider, upstream"),
    ("providers/home/kind", "olama", "providers/home/kind: expected one of openai"),
    ("providers/home/kind", ..., "providers/home/kind: This field cannot be blank"),
    ("providers/home/base_url", "https://user:pw@x.example", "providers/home/base_url: Leave credentials"),
    ("providers/home/proxy", "http://user:pw@proxy.example", "providers/home/proxy: expected a URL without user"),
    ("providers/home/paths", {"chat": 1}, "providers/home/paths: Every value must be a string"),
    ("providers/home/extra_body", [], "providers/home/extra_body: expected a mapping, not []"),
    ("providers/a~1b", {"kind": "openai", "base_url": "https://x.example"}, "providers/a/b: Letters, digits"),
    ("providers/acme/keys/0/secret", "sk-1", "providers/acme/keys/0/secret: unknown key"),
    ("providers/acme/keys/0/env", "A", "providers/acme/keys/0: expected {label: text} with env"),
    ("providers/acme/keys/0", {"env": "not a name"}, "providers/acme/keys/0/env_var: A variable name"),
    ("providers/acme/keys", [{"label": "a"}, {"label": "a"}], "providers/acme/keys/1: a second key labelled 'a'"),
    ("providers/acme/headers/0/value", "x", "providers/acme/headers/0: the value of a secret header"),
    ("providers/acme/headers/0/name", "Host", "providers/acme/headers/0: This header is the gateway's own"),
    ("providers/acme/headers", [{"name": "A"}, {"name": "A"}], "providers/acme/headers/1: a second header 'A'"),
    ("providers/acme/models/m-1/prices/0/input", "much", "m-1/prices/0/input: expected a decimal"),
    ("providers/acme/models/m-1/prices/0/input", "-1", "providers/acme/models/m-1/prices/0/input: Ensure this value"),
    ("providers/acme/models/m-1/prices/0/valid_from", "soon", "prices/0/valid_from: expected a time such as"),
    ("providers/acme/models/m-1/prices", [{}, {}], "providers/acme/models/m-1/prices: two prices are valid from"),
    ("providers/acme/models/m-1/max_input_tokens", True, "max_input_tokens: expected a whole number, not True"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "expected"), WRONG, ids=[f"{path}-{value}"[:60] for path, value, _ in WRONG])
def test_a_wrong_document_is_refused_with_its_path_and_changes_nothing(small, path, value, expected):
    before, count = serialize(), ConfigRevision.objects.count()
    wrong = changed(small, path, value)
    wrong = json.loads(json.dumps(wrong).replace("~1", "/"))
    with pytest.raises(DocumentError) as caught:
        apply(wrong, "ada", "test")
    assert expected in str(caught.value)
    assert (serialize(), ConfigRevision.objects.count()) == (before, count)


def test_every_problem_is_named_at_once(small):
    wrong = changed(changed(small, "models/turbo/strategy", "x"), "providers/home/kind", "y")
    with pytest.raises(DocumentError) as caught:
        check(wrong)
    assert [problem.path for problem in caught.value.problems] == ["providers/home/kind", "models/turbo/strategy"]


def test_a_longer_circle_is_shown(small):
    inner = {"a": {"entries": [{"model": "b"}]}, "b": {"entries": [{"model": "c"}]}, "c": {"entries": [{"model": "a"}]}}
    with pytest.raises(DocumentError, match=r"models/c/entries: leads back to itself: a → b → c → a"):
        check(document(models=inner))


def secrets_now():
    return ProviderKey.objects.get(provider__name="acme").secret, ProviderHeader.objects.get().value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("providers/acme/description", "ours"),
        ("providers/acme/base_url", "https://ACME.example:443/v2"),
        ("providers/acme/enabled", False),
        ("endpoints/acme-1/base_url", "https://acme.example/other"),
    ],
)
def test_secrets_stay_where_they_are_sent(small, path, value):
    apply(changed(small, path, value), "ada", "test")
    assert secrets_now() == ("sk-acme-very-secret", "header-very-secret")


MOVES = [
    ("providers/acme/base_url", "https://evil.example/v1"),
    ("providers/acme/base_url", "http://acme.example/v1"),
    ("providers/acme/base_url", "https://acme.example:8443/v1"),
    ("providers/acme/proxy", "http://evil.example:3128"),
    ("providers/acme/ca_bundle", "/srv/evil.pem"),
    ("endpoints/acme-1/base_url", "https://evil.example/v1"),
]


@pytest.mark.parametrize(("path", "value"), MOVES)
def test_secrets_never_follow_a_changed_destination(small, path, value):
    for dry_run in (True, False):
        with pytest.raises(SecretsWouldMove) as refused:
            apply(changed(small, path, value), "ada", "test", dry_run=dry_run)
        assert [problem.path for problem in refused.value.problems] == [path]
        assert "provider acme (headers/X-Team, keys/default)" in str(refused.value)
    assert serialize() == small
    assert secrets_now() == ("sk-acme-very-secret", "header-very-secret")


@pytest.mark.parametrize(("path", "value"), MOVES)
def test_secrets_are_dropped_where_that_is_expressly_said(small, path, value):
    rehearsed = apply(changed(small, path, value), "ada", "test", dry_run=True, drop_secrets=True)
    assert secrets_now() == ("sk-acme-very-secret", "header-very-secret")
    assert render(rehearsed)[-2:] == [
        "- providers/acme/headers/X-Team/value: (stored secret)",
        "- providers/acme/keys/default/secret: (stored secret)",
    ]
    apply(changed(small, path, value), "ada", "test", drop_secrets=True)
    assert secrets_now() == ("", "")


def test_secrets_that_come_with_the_change_go_where_it_says(small):
    def change(draft):
        draft.document["providers"]["acme"]["base_url"] = "https://new.example/v1"
        draft.secrets["providers/acme/keys/default/secret"] = "sk-new"

    with pytest.raises(SecretsWouldMove, match=r"\(headers/X-Team\)"):
        amend(change, "ada", "test")
    assert secrets_now() == ("sk-acme-very-secret", "header-very-secret")
    amend(change, "ada", "test", drop_secrets=True)
    assert secrets_now() == ("sk-new", "")


def test_a_key_named_by_environment_variable_is_not_stored_and_moves_nothing(small):
    keys = [{"label": "default", "env": "ACME_KEY"}]
    document = changed(changed(small, "providers/acme/keys", keys), "providers/acme/headers", [])
    apply(changed(document, "providers/acme/base_url", "https://new.example/v1"), "ada", "test")
    assert serialize()["providers"]["acme"]["base_url"] == "https://new.example/v1"


def test_a_proxy_with_a_password_is_a_secret_that_stays(small):
    with revision("ada", "test"):
        Provider.objects.filter(name="home").update(proxy="http://user:proxy-password@proxy.example:3128")
    said = serialize()
    assert said["providers"]["home"]["proxy"] == {"stored": True}
    assert "proxy-password" not in text.dump(said)
    apply(changed(said, "providers/home/position", 8), "ada", "test")
    assert Provider.objects.get(name="home").proxy == "http://user:proxy-password@proxy.example:3128"


def test_secrets_are_in_the_reading_and_never_in_the_document(small):
    said, secrets = read()
    assert secrets == {
        "providers/acme/keys/default/secret": "sk-acme-very-secret",
        "providers/acme/headers/X-Team/value": "header-very-secret",
    }
    assert "very-secret" not in text.dump(said)


def test_the_order_of_keys_is_the_order_of_the_list(small):
    keys = [
        {"label": "z", "env": "Z"},
        {"label": "default", "stored": True},
        {"label": "a", "enabled": False, "stored": True},
    ]
    apply(changed(small, "providers/acme/keys", keys), "ada", "test")
    assert serialize()["providers"]["acme"]["keys"] == keys
    assert ProviderKey.objects.get(label="default").secret == "sk-acme-very-secret"


def test_figures_are_read_as_written_and_defaults_are_left_out(small):
    price = [{"input": 0.15, "output": 3, "currency": "USD", "source": ""}]
    apply(changed(small, "providers/acme/models/m-1/prices", price), "ada", "test")
    assert serialize()["providers"]["acme"]["models"]["m-1"]["prices"] == [{"input": "0.15", "output": "3"}]


def test_every_column_of_every_configuration_table_has_a_reader():
    read = [column for table in _SAID_OTHERWISE for column in columns(table)]
    assert len(read) > 50
    for column in read:
        with pytest.raises(ValueError, match="expected"):
            parsed(column, object())


def test_the_wildcard_model_can_be_written(small):
    apply(changed(small, "models/*", {"entries": [{"endpoint": "home-1"}]}), "ada", "test")
    assert PublicModel.objects.filter(name="*").exists()
