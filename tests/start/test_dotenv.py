"""The ``.env`` file: what is understood, and the sentence for what is not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from routing.config import dotenv

ROUTER_SERVICES = """\
USE_ROUTER=true

ROUTER_SERVICES='[
  {
    "name": "primary-cerebras",
    "base_url": "https://api.cerebras.ai/v1",
    "priority": 0
  },

  # not a comment: within a value
  {
    "name": "fallback-openai",
    "api_key": "sk-l'API"
  }
]'
BACKEND_TYPE=cerebras
"""


def test_a_quoted_value_spans_lines() -> None:
    values = dotenv.parse(ROUTER_SERVICES, ".env")
    assert list(values) == ["USE_ROUTER", "ROUTER_SERVICES", "BACKEND_TYPE"]
    services = json.loads(values["ROUTER_SERVICES"].replace("  # not a comment: within a value\n", ""))
    assert [service["name"] for service in services] == ["primary-cerebras", "fallback-openai"]
    assert services[1]["api_key"] == "sk-l'API"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A=b  ", "b"),
        ("A=", ""),
        ("A=   # nothing", ""),
        ("A=b # why", "b"),
        ("A=b#c", "b#c"),
        ("A=b c=d", "b c=d"),
        ("A='b # c' # why", "b # c"),
        ("A='it's'", "it's"),
        (r"A='a\n'", r"a\n"),
        (r'A="a\n\"b\" \\ c"', 'a\n"b" \\ c'),
        ('A="two\nlines"', "two\nlines"),
        ("A=''", ""),
        ("A=b\r\n", "b"),
        ("A=b\nA=c", "c"),
    ],
)
def test_one_line_is_read_as_a_shell_would(line: str, value: str) -> None:
    assert dotenv.parse(line, ".env") == {"A": value}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("A=1\nthis is no setting", ".env, line 2: expected NAME=value, a comment (#) or a blank line."),
        ("A = 1", ".env, line 1: expected NAME=value, a comment (#) or a blank line."),
        ("1A=2", ".env, line 1: expected NAME=value, a comment (#) or a blank line."),
        ("A=b\0", ".env, line 1: expected NAME=value, a comment (#) or a blank line."),
        ("# one\n\nA='sk-secret\nB=2\n", ".env, line 3: A begins with ' but no line ends with it."),
        ('A="sk-secret\\"', '.env, line 1: A begins with " but no line ends with it.'),
        ("A='sk-secret' and more", ".env, line 1: A begins with ' but no line ends with it."),
    ],
)
def test_a_line_that_cannot_be_read_is_named_without_its_content(content: str, sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        dotenv.parse(content, ".env")
    assert str(caught.value) == sentence


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_IGNORE_DOTENV")
    monkeypatch.setenv("DOTENV_TEST_SAID", "environment")
    monkeypatch.setenv("DOTENV_TEST_UNSAID", "")
    monkeypatch.delenv("DOTENV_TEST_UNSAID")
    file = tmp_path / ".env"
    file.write_text("\ufeffDOTENV_TEST_SAID=file\nDOTENV_TEST_UNSAID=file\n", encoding="utf-8")
    dotenv.load(file)
    assert os.environ["DOTENV_TEST_SAID"] == "environment"
    assert os.environ["DOTENV_TEST_UNSAID"] == "file"


def test_a_file_that_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_IGNORE_DOTENV")
    file = tmp_path / ".env"
    file.write_bytes(b"A=\xff\xfe")
    with pytest.raises(ImproperlyConfigured, match=f"{file} cannot be read as UTF-8 text"):
        dotenv.load(file)


def test_the_file_is_ignored_where_tests_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_IGNORE_DOTENV", "yes")
    (tmp_path / ".env").write_text("not a line")
    dotenv.load(tmp_path / ".env")
