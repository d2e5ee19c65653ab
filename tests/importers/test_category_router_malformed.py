"""Wrong files of the category router: a message that names file and place, and nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from routing.config.apply import apply
from routing.config.serialize import serialize

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
NAME = "router_config.json"
FILE = {"model_mappings": {"tools": ["openrouter/kimi-k2.5", "openai/gpt-4o"]}}
Import = Callable[..., str]

PROBLEMS: dict[str, tuple[Any, str]] = {
    "truncated": (json.dumps(FILE)[:-20], "router_config.json, line 1: not JSON: "),
    "empty": (b"", "router_config.json: not a configuration that is known here"),
    "a list": (b"[]", "router_config.json: not a configuration that is known here"),
    "the same category twice": ('{"model_mappings": {"a": ["x"], "a": ["y"]}}', "the key 'a' appears twice"),
    "mappings that are a list": ({"model_mappings": []}, "json, model_mappings: expected an object, not []"),
    "a chain that is text": ({"model_mappings": {"a": "openai/x"}}, "model_mappings/a: expected a list of 1 to"),
    "an empty chain": ({"model_mappings": {"a": []}}, "model_mappings/a: expected a list of 1 to 100 models"),
    "a chain too long": ({"model_mappings": {"a": ["openai/x"] * 101}}, "model_mappings/a: expected a list of 1"),
    "a number for a model": ({"model_mappings": {"a": [1]}}, "model_mappings/a/0: expected provider/model as text"),
    "no provider": (
        {"model_mappings": {"a": ["openai/x", "nobodys"]}},
        "model_mappings/a/1: expected provider/model, not 'nobodys'; providers: ai21, albert, anthropic",
    ),
    "a model that a provider has, without the provider": (
        {"model_mappings": {"a": ["gpt-4o-mini"]}},
        "model_mappings/a/0: expected provider/model, not 'gpt-4o-mini'; did you mean openai/gpt-4o-mini?",
    ),
    "an unknown provider": ({"model_mappings": {"a": ["opnai/x"]}}, "model_mappings/a/0: there is no provider 'opnai'"),
    "a provider alone": ({"model_mappings": {"a": ["openai/"]}}, "model_mappings/a/0: expected provider/model"),
    "any model": ({"model_mappings": {"a": ["openai/*"]}}, "model_mappings/a/0: expected the name of one model"),
    "a model too long": ({"model_mappings": {"a": ["openai/" + "x" * 300]}}, "router_config.json, model_mappings/a/0"),
    "a reserved name": ({"model_mappings": {"auto": ["openai/x"]}}, "model_mappings/auto: 'auto' is reserved"),
    "an unknown endpoint": ({"model_mappings": {"a": [{"endpoint": "x"}]}}, "model_mappings/a/0/endpoint: there is no"),
    "a wrong entry": (
        {"model_mappings": {"a": [{"endpoint": "openrouter/glm-5", "weight": "2"}]}},
        "router_config.json, model_mappings/a/0/weight: expected a whole number, not '2'",
    ),
    "keywords that are text": ({"keywords": {"code": "x"}, "categories": {}}, "keywords/code: expected a list, not"),
    "keywords that are numbers": ({"categories": {"code": [1]}}, "categories/code/keywords: Expected a JSON array"),
    "weights that are text": ({"categories": {"code": {"weights": {"a": "2"}}}}, "categories/code/weights: The"),
    "a strategy of no name": ({"categories": {"code": {"strategy": "best"}}}, "categories/code/strategy: expected"),
    "a category that is text": ({"categories": {"code": "x"}}, "categories/code: expected an object, or a list of"),
    "a nameless category": ({"categories": [{}]}, "categories/0: expected an object with a"),
    "a second category": ({"categories": [{"name": "a"}, {"name": "a"}]}, "categories/1/name: a second category 'a'"),
    "two chains": (
        {"model_mappings": {"a": ["openai/x"]}, "categories": {"a": {"models": ["openai/y"]}}},
        "categories/a/models: model_mappings says the models of 'a' as well",
    ),
    "circuits of nobody": ({"categories": {}, "circuits": {"x": {}}}, "circuits/x: expected the name of an endpoint"),
    "a pause that is text": (
        {"categories": {}, "circuits": {"openrouter/glm-5": {"pause": "5m"}}},
        "router_config.json, circuits/openrouter/glm-5/pause: expected a number, not '5m'",
    ),
    "10 MB": (b'{"model_mappings": {"a": ["' + b"x" * (10 << 20) + b'"]}}', "the file is larger than 10 MB"),
    "nearly 10 MB": (
        b'{"model_mappings": {"a": [' + b'"openai/x", ' * 800_000 + b'"openai/x"]}}', "model_mappings/a: expected"
    ),
    "nearly 10 MB of categories": (
        {"model_mappings": {f"category-{number}": ["openai/x"] for number in range(200_000)}}, "expected at most 1000"
    ),
    "UTF-16": (json.dumps(FILE).encode("utf-16"), "router_config.json, line 1: expected UTF-8 text"),
    "Latin-1": ('{"model_mappings": {"é": []}}'.encode("latin-1"), "line 1: expected UTF-8 text"),
    "nested deep": (b'{"model_mappings": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
    "a lone surrogate": (b'{"model_mappings": {"\\ud800": []}}', "expected text without NUL and lone surrogates"),
    "no number": (b'{"model_mappings": {"a": NaN}}', "NaN is not a JSON number"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_wrong_file_is_refused_in_words_and_changes_nothing(refused: Import, name: str) -> None:
    content, expected = PROBLEMS[name]
    said = refused(NAME, content)
    assert expected in said
    assert len(said) < 3000


def test_every_problem_is_told_at_once(refused: Import) -> None:
    said = refused(NAME, {"model_mappings": {"a": ["nowhere/x", 2], "b": []}, "keywords": 3})
    assert [line.partition(": ")[0] for line in said.splitlines()[1:]] == [
        "router_config.json, keywords",
        "router_config.json, model_mappings/a/0",
        "router_config.json, model_mappings/a/1",
        "router_config.json, model_mappings/b",
    ]


def test_a_name_that_a_public_model_has_is_refused_where_the_file_says_it(refused: Import) -> None:
    document = serialize()
    document["models"] = {"turbo": {}}
    apply(document, "ada", "test")
    said = refused(NAME, {"model_mappings": {"turbo": ["openai/x"]}})
    assert "router_config.json, model_mappings/turbo: 'turbo' is already the name of a model" in said


def test_the_command_fails_for_the_shell_too(tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_text('{"model_mappings": {"a": ["x"]}}')
    environment = {"PATH": os.environ["PATH"], "GATEWAY_DATA_DIR": str(tmp_path), "GATEWAY_IGNORE_DOTENV": "yes"}
    for words in (("migrate", "--verbosity=0"), ("import_config", str(file))):
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{file}, model_mappings/a/0: expected provider/model" in done.stderr
    assert "Traceback" not in done.stderr
