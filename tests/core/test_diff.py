"""What changed between two documents, readable as paths."""

from __future__ import annotations

import copy

import pytest

from routing.config.diff import ABSENT, Change, change, diff, render, secret_changes

BASE = {
    "version": 1,
    "providers": {
        "acme": {
            "kind": "openai",
            "keys": [{"label": "a", "env": "A"}, {"label": "b", "stored": True}],
            "headers": [{"name": "X-A", "value": "1"}],
        }
    },
    "models": {"turbo": {"entries": [{"endpoint": "one"}, {"endpoint": "two", "weight": 2}], "aliases": ["fast"]}},
}


def changed(edit):
    after = copy.deepcopy(BASE)
    edit(after)
    return render(diff(BASE, after))


def test_equal_documents_have_no_changes():
    assert diff(BASE, copy.deepcopy(BASE)) == []


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (lambda d: d["models"]["turbo"]["entries"][0].update(endpoint="three"),
         ["~ models/turbo/entries/0/endpoint: one → three"]),
        (lambda d: d["models"]["turbo"]["entries"][1].pop("weight"), ["- models/turbo/entries/1/weight: 2"]),
        (lambda d: d["models"]["turbo"]["entries"].pop(),
         ['- models/turbo/entries/1: {"endpoint": "two", "weight": 2}']),
        (lambda d: d["models"]["turbo"].pop("entries"),
         ['- models/turbo/entries: [{"endpoint": "one"}, {"endpoint": "two", "weight": 2}]']),
        (lambda d: d["models"]["turbo"].update(aliases=["fast", "quick"]),
         ['~ models/turbo/aliases: ["fast"] → ["fast", "quick"]']),
        (lambda d: d["models"].update(slow={"type": "x"}), ['+ models/slow: {"type": "x"}']),
        (lambda d: d.update(endpoints={"e": {"provider": "acme"}}), ['+ endpoints/e: {"provider": "acme"}']),
        (lambda d: d.pop("models"),
         ['- models/turbo: {"entries": [{"endpoint": "one"}, {"endpoint": "two", "weight": 2}], "aliases": ["fast"]}']),
        (lambda d: d["providers"]["acme"]["keys"].reverse(),
         ['~ providers/acme/keys/order: ["a", "b"] → ["b", "a"]']),
        (lambda d: d["providers"]["acme"]["keys"].insert(0, {"label": "c"}),
         ['+ providers/acme/keys/c: {"label": "c"}']),
        (lambda d: d["providers"]["acme"]["keys"][1].pop("stored"), ["- providers/acme/keys/b/stored: true"]),
        (lambda d: d["providers"]["acme"]["headers"][0].update(value=""),
         ['~ providers/acme/headers/X-A/value: 1 → ""']),
        (lambda d: d.update(version=True), ["~ version: 1 → true"]),
    ],
)  # fmt: skip
def test_a_change_is_told_where_it_happened(edit, lines):
    assert changed(edit) == lines


def test_changes_come_in_the_order_of_their_paths():
    after = {"version": 1, "providers": {"b": {}, "a": {}}, "categories": {"z": {}}}
    assert [one.path for one in diff({"version": 1}, after)] == ["categories/z", "providers/a", "providers/b"]


def test_none_is_a_value_and_absence_is_not():
    assert diff({"x": {"a": None}}, {"x": {}}) == [Change("x/a", None, ABSENT)]
    assert diff({"x": {"a": None}}, {"x": {"a": 1}})[0].as_json() == {"path": "x/a", "before": None, "after": 1}


@pytest.mark.parametrize("one", [Change("a", 1, 2), Change("a", None), Change("a", after={}), Change("a")])
def test_a_change_survives_being_stored(one):
    assert change(one.as_json()) == one


def test_a_secret_is_told_as_changed_without_its_value():
    told = secret_changes({"kept": "1", "replaced": "1", "gone": "1"}, {"kept": "1", "replaced": "2", "new": "1"})
    assert render(told) == ["- gone: (stored secret)", "~ new: changed", "~ replaced: changed"]
    assert told[1].as_json() == {"path": "new", "changed": True}


def test_long_values_are_cut_in_lines_only():
    one = Change("a", after="x" * 500)
    assert len(render([one])[0]) == len("+ a: ") + 200
    assert one.as_json()["after"] == "x" * 500


def test_the_documents_are_left_as_they_are():
    before, after = copy.deepcopy(BASE), copy.deepcopy(BASE)
    after["models"]["turbo"]["entries"].reverse()
    kept = copy.deepcopy((before, after))
    diff(before, after)
    assert (before, after) == kept
