from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from metrics import drain
from tests.metrics.records import made, spooled

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def fill(directory: Path, count: int, **fields: Any) -> list[str]:
    entries = [made(**fields) for _ in range(count)]
    spooled(directory, *entries)
    drain.drain(directory)
    return [entry["id"] for entry in entries]


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("page", ["requestlog", "usagehour"])
def test_lists_open_with_constant_queries_and_without_counting(operator: Client, tmp_path: Path, page: str) -> None:
    path = f"/admin/metrics/{page}/"
    fill(tmp_path, 2)
    queries_of(operator, path)
    few = queries_of(operator, path)
    fill(tmp_path, 120, route="other")
    many = queries_of(operator, path)
    assert len(few) == len(many)
    assert not [sql for sql in many if "COUNT(" in sql]


def test_nothing_can_be_added_changed_or_deleted(operator: Client, tmp_path: Path) -> None:
    [identifier] = fill(tmp_path, 1)
    for path in ("add/", f"{identifier}/delete/"):
        assert operator.get(f"/admin/metrics/requestlog/{path}").status_code == 403
    assert operator.post(f"/admin/metrics/requestlog/{identifier}/change/", {"status": 1}).status_code == 403


def test_attempts_and_marks_are_no_pages_of_their_own(operator: Client) -> None:
    assert operator.get("/admin/metrics/attemptlog/").status_code == 404
    assert operator.get("/admin/metrics/spoolmark/").status_code == 404
