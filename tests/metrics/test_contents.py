import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from gateway_project.api.content import Content
from metrics import contents, prune, record
from metrics.insert import insert
from metrics.models import RequestContent
from metrics.spool import Own
from tests.metrics.records import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(contents, "own", Own(lambda: tmp_path))
    return tmp_path


def kept(place: Path, prompt: Any, answer: Any = None, **more: Any) -> RequestContent:
    identity = {"id": record.new_id(), "at": time.time(), "api_key": "shop"} | more
    contents.keep(identity, prompt, answer)
    contents.own.rotate()
    contents.drain(place)
    return RequestContent.objects.get(pk=identity["id"])


def test_what_was_asked_and_answered_is_stored_once(place: Path) -> None:
    row = kept(place, {"messages": [{"role": "user", "content": "Hello €"}]}, {"choices": []})
    assert json.loads(row.prompt) == {"messages": [{"role": "user", "content": "Hello €"}]}
    assert json.loads(row.answer) == {"choices": []}
    assert (row.api_key, row.prompt_truncated, row.answer_truncated, row.redactions) == ("shop", False, False, 0)
    assert list(place.glob("*.jsonl")) == []


def test_a_file_that_was_stored_before_its_drainer_died_adds_nothing(place: Path) -> None:
    contents.keep({"id": "A" * 26, "at": time.time(), "api_key": "shop"}, "x", None)
    contents.own.rotate()
    [file] = place.glob("*.jsonl")
    copy = file.read_bytes()
    contents.drain(place)
    file.write_bytes(copy + b'{"id": "cut o')
    contents.drain(place)
    assert RequestContent.objects.count() == 1


def test_a_file_that_is_still_written_waits(place: Path) -> None:
    contents.keep({"id": "A" * 26, "at": time.time(), "api_key": "shop"}, "x", None)
    assert contents.drain(place) == 0
    contents.own.rotate()
    assert contents.drain(place) == 1


def test_secrets_are_gone_before_anything_is_written(place: Path) -> None:
    prompt = {"messages": [{"content": "mail a@b.example, card 4111 1111 1111 1111", "number": 4111111111111111}]}
    contents.keep({"id": "A" * 26, "at": time.time(), "api_key": "shop"}, prompt, {"text": "sk-abcdefghijklmnop1234"})
    [file] = place.glob("*.jsonl")
    text = file.read_text()
    assert "b.example" not in text
    assert "4111" not in text
    assert "abcdefghijklmnop" not in text
    contents.own.rotate()
    contents.drain(place)
    row = RequestContent.objects.get()
    assert row.redactions == 4
    assert json.loads(row.prompt)["messages"][0] == {"content": "mail [email], card [card]", "number": "[card]"}


def test_what_is_too_long_is_cut_and_marked_and_stays_json(place: Path, settings: Any) -> None:
    settings.CONTENT_MAX_BYTES = 2048
    row = kept(place, {"messages": [{"content": 'é"\n' * 5000}, {"content": "never"}]}, {"short": 1})
    assert len(row.prompt.encode()) <= 2200
    assert (row.prompt_truncated, row.answer_truncated) == (True, False)
    assert json.loads(row.prompt)["messages"][0]["content"].startswith('é"\n')
    assert "never" not in row.prompt


@pytest.mark.parametrize("before", [2030, 2040, 2047])
def test_the_cut_leaves_no_half_of_a_secret(place: Path, settings: Any, before: int) -> None:
    settings.CONTENT_MAX_BYTES = 2048
    row = kept(place, "x " * (before // 2) + "sk-abcdefghijklmnopqrstuvwxyz0123456789")
    assert "sk-" not in row.prompt


def test_pictures_sound_and_vectors_are_noted_by_their_size(place: Path) -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 4000
    parts = [{"image_url": {"url": picture}}, {"text": f"see ![]({picture})"}, {"data": "UklGRg" * 2000}]
    row = kept(place, {"parts": parts}, {"data": [{"embedding": [0.5] * 1536}]})
    assert json.loads(row.prompt) == {
        "parts": [
            {"image_url": {"url": "[image/png, 32 kB]"}},
            {"text": "see ![]([image/png, 32 kB])"},
            {"data": "[9 kB of base64]"},
        ]
    }
    assert json.loads(row.answer) == {"data": [{"embedding": "[1536 numbers]"}]}


@pytest.mark.parametrize("odd", ["\x00\ud800", 10**40, float("1e300"), {"a": {1: None}}, [[[[]]]]])
def test_odd_values_are_kept_as_far_as_a_database_takes_them(place: Path, odd: Any) -> None:
    assert kept(place, {"odd": odd}).prompt.startswith('{"odd":')


def test_a_value_of_any_depth_is_kept_to_some_depth(place: Path) -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert kept(place, deep).prompt_truncated


def test_a_stream_is_put_together() -> None:
    content = Content({})
    for delta in (
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {"content": "lo"},
        {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
    ):
        content.note({"choices": [{"index": 0, "delta": delta}]})
    content.note({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    call = {"name": "f", "arguments": '{"a": 1}'}
    assert content._answered() == {
        "choices": [{"content": "Hello", "tool_calls": [call], "finish_reason": "tool_calls"}]
    }


def test_contents_go_after_their_own_days(place: Path, settings: Any) -> None:
    settings.CONTENT_RETENTION_DAYS, settings.RETENTION_DAYS = 7, 0
    young = kept(place, "x", at=time.time() - 6 * 86_400)
    kept(place, "x", at=time.time() - 8 * 86_400)
    prune.prune(place, lambda _seconds: None)
    assert list(RequestContent.objects.all()) == [young]


def reader(*permissions: str) -> Client:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_requestlog", *permissions]))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def logged(place: Path) -> str:
    entry = record.fit(made())
    insert([entry])
    kept(place, {"q": "what <b>was</b> asked"}, {"a": "what was answered"}, id=entry["id"])
    return f"/admin/metrics/requestlog/{entry['id']}"


def test_the_page_shows_contents_to_those_who_may_and_writes_down_that_they_looked(logged: str) -> None:
    client = reader("view_requestcontent")
    closed = client.get(f"{logged}/change/").content.decode()
    assert "Show the prompt and the answer" in closed
    assert "was answered" not in closed
    assert "Delete it now" not in closed
    assert LogEntry.objects.count() == 0
    page = client.post(f"{logged}/content/").content.decode()
    assert "what was answered" in page
    assert "what &lt;b&gt;was&lt;/b&gt; asked" in page
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("reader", logged.rpartition("/")[2])
    assert "looked at" in entry.get_change_message()


def test_nobody_else_learns_that_there_are_contents(logged: str) -> None:
    client = reader()
    assert "Show the prompt" not in client.get(f"{logged}/change/").content.decode()
    assert client.post(f"{logged}/content/").status_code == 403
    assert client.post(f"{logged}/content/delete/").status_code == 403
    assert client.get("/admin/metrics/requestcontent/").status_code == 403
    assert RequestContent.objects.exists()


def test_looking_takes_a_post(logged: str) -> None:
    response = reader("view_requestcontent").get(f"{logged}/content/")
    assert response.status_code == 302
    assert LogEntry.objects.count() == 0


def test_who_may_delete_can_do_so_at_once(logged: str) -> None:
    client = reader("view_requestcontent", "delete_requestcontent")
    assert "Delete it now" in client.get(f"{logged}/change/").content.decode()
    client.post(f"{logged}/content/delete/")
    assert not RequestContent.objects.exists()
    assert LogEntry.objects.get().action_flag == 3


def test_the_list_of_contents_shows_none_of_them_and_deletes_several(logged: str, place: Path) -> None:
    kept(place, "another")
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    page = client.get("/admin/metrics/requestcontent/").content.decode()
    assert "asked" not in page
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in RequestContent.objects.all()]}
    client.post("/admin/metrics/requestcontent/", chosen | {"post": "yes"})
    assert not RequestContent.objects.exists()
