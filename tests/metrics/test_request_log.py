import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from metrics import record
from metrics.insert import insert
from metrics.log import filters, reading
from metrics.models import RequestLog
from tests.metrics.records import NOON, made

pytestmark = pytest.mark.django_db
LIST = "/admin/metrics/requestlog/"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def written(**fields: Any) -> str:
    entry = record.fit(made(**fields))
    insert([entry])
    return str(entry["id"])


def shown(client: Client, query: str = "") -> list[str]:
    response = client.get(f"{LIST}?{query}" if not query.startswith("?") else LIST + query)
    assert response.status_code == 200
    return re.findall(r"/admin/metrics/requestlog/(\w{26})/change/", response.content.decode())


FILTERS = {
    "model=wanted": {"requested_model": "wanted"},
    "model=routed": {"route": "routed"},
    "provider=wanted": {"provider": "wanted"},
    "endpoint=wanted/it": {"endpoint": "wanted/it"},
    "key=wanted": {"api_key": "wanted"},
    "category=wanted": {"category": "wanted"},
    "operation=rerank": {"operation": "rerank"},
    "outcome=cancelled": {"outcome": "cancelled", "status": 499},
    "outcome=failed": {"outcome": "error", "status": 503},
    "status=429": {"outcome": "error", "status": 429},
    "status=5xx": {"outcome": "error", "status": 503},
    "status=none": {"outcome": "cancelled", "status": 0},
    "error=100%25+FULL": {"outcome": "error", "status": 503, "error": "The disk is 100% full."},
    "cost_min=0.5": {"cost": "0.5"},
    "cost_max=0.0001": {"cost": "0.0000999"},
    "duration_min=1000": {"duration_ms": 1000.0},
    "duration_max=20": {"duration_ms": 19.9},
    "q=caller-9": {"request_id": "caller-9"},
    "since=2026-01-02T10:00&until=2026-01-02T11:00": {"at": 1767348000.0},
    "until=2026-01-03": {"at": 1767348000.0},
}


@pytest.mark.parametrize("query", FILTERS)
def test_each_filter_finds_what_it_names_and_nothing_else(operator: Client, query: str) -> None:
    wanted = written(**FILTERS[query])
    written()
    assert shown(operator, query) == [wanted]


def test_filters_narrow_one_another(operator: Client) -> None:
    wanted = written(api_key="a", endpoint="e", outcome="error", status=503, error="timed out", cost="2")
    written(api_key="a", endpoint="e", cost="2")
    written(api_key="a", outcome="error", status=503, error="timed out", cost="2")
    written(api_key="b", endpoint="e", outcome="error", status=503, error="timed out", cost="2")
    assert shown(operator, "key=a&endpoint=e&error=timed&cost_min=1&period=24h") == [wanted]


def test_a_request_is_found_by_our_id_too(operator: Client) -> None:
    wanted = written()
    written()
    assert shown(operator, f"q={wanted}") == [wanted]


def test_the_preset_of_a_period_ends_now(operator: Client) -> None:
    recent = written(at=datetime.now(UTC).timestamp() - 600)
    written(at=datetime.now(UTC).timestamp() - 7200)
    assert shown(operator, "period=1h") == [recent]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=teapot", "Expected a status such as 429"),
        ("since=yesterday", "Expected a date and time such as 2026-11-21T14:03"),
        ("until=2026-13-45T99:00", "Expected a date and time"),
        ("period=9y", "Expected one of 15m, 1h, 24h, 7d or 30d."),
        ("cost_min=-1", "Expected a number from 0 on"),
        ("cost_max=NaN", "Expected a number from 0 on"),
        ("duration_min=long", "Expected a number from 0 on"),
        ("key=" + "k" * 201, "Expected at most 200 characters."),
    ],
)
def test_a_wrong_value_is_told_what_was_expected_and_shows_no_row(operator: Client, query: str, expected: str) -> None:
    written()
    assert expected in operator.get(f"{LIST}?{query}").content.decode()
    assert shown(operator, query) == []


def test_pages_hold_every_request_once_while_new_ones_arrive(operator: Client) -> None:
    there = [written(at=NOON - number // 3) for number in range(130)]  # three share each moment
    seen: list[str] = []
    query: str | None = "?"
    while query:
        response = operator.get(LIST + query)
        seen += [row.id for row in response.context["page"].rows]
        query = response.context["links"]["older"]
        written()
    assert sorted(seen) == sorted(there)


def test_the_way_back_shows_the_same_pages(operator: Client) -> None:
    for number in range(120):
        written(at=NOON - number)
    first = operator.get(LIST)
    second = operator.get(LIST + first.context["links"]["older"])
    back = operator.get(LIST + second.context["links"]["newer"])
    assert [row.id for row in back.context["page"].rows] == [row.id for row in first.context["page"].rows]


def test_a_filter_stays_on_the_next_page_and_its_chip_takes_it_away(operator: Client) -> None:
    for number in range(60):
        written(at=NOON - number, api_key="mine" if number % 60 else "other")
    response = operator.get(f"{LIST}?key=mine&status=2xx")
    assert "key=mine" in response.context["links"]["older"]
    chips = {str(chip["label"]): chip["without"] for chip in response.context["chips"]}
    assert chips == {"API key": "?status=2xx", "status": "?key=mine"}


def test_a_search_that_finds_little_says_how_far_it_came_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FIRST_PIECE", 10)
    monkeypatch.setattr(reading, "LARGEST_PIECE", 10)
    for number in range(100):
        written(at=NOON - number, cost="5" if number in (95, 97) else "0")
    asked = filters.asked({"cost_min": "1"}, datetime.now(UTC))
    page = reading.read(asked, clock=iter(range(1000)).__next__)  # its time is up after each piece
    assert page.rows == []
    assert page.searched_to == datetime.fromtimestamp(NOON - 10, UTC)
    found: list[RequestLog] = []
    turns = 0
    while page.older and turns < 20:
        page = reading.read(asked, reading.place_of(page.older), clock=iter(range(1000)).__next__)
        found += page.rows
        turns += 1
    assert [row.at for row in found] == [datetime.fromtimestamp(NOON - number, UTC) for number in (95, 97)]


def test_the_rarest_filter_is_the_one_that_is_walked_along(monkeypatch: pytest.MonkeyPatch, operator: Client) -> None:
    monkeypatch.setattr(reading, "FIRST_PIECE", 5)
    for number in range(60):
        written(at=NOON - number, api_key="busy", endpoint="rare" if number == 59 else "usual")
    page = reading.read(filters.asked({"key": "busy", "endpoint": "rare"}, datetime.now(UTC)))
    assert [row.endpoint for row in page.rows] == ["rare"]


@pytest.mark.parametrize("place", ["x", "-", "1-\x00", "99999999999999999-a", "12-<script>"])
def test_a_place_that_is_none_shows_the_newest_page(operator: Client, place: str) -> None:
    wanted = written()
    assert shown(operator, f"older={place}") == [wanted]


def test_an_empty_log_says_so(operator: Client) -> None:
    assert "No request has been recorded yet." in operator.get(LIST).content.decode()


def test_the_log_needs_its_permission() -> None:
    user = User.objects.create_user("someone", is_staff=True)
    client = Client()
    client.force_login(user)
    identifier = written()
    pages = (LIST, f"{LIST}{identifier}/change/")
    assert [client.get(page).status_code for page in pages] == [403, 403]
    user.user_permissions.add(Permission.objects.get(codename="view_requestlog"))
    assert [client.get(page).status_code for page in pages] == [200, 200]


def test_what_callers_and_upstreams_say_is_harmless_on_both_pages(operator: Client) -> None:
    evil = "<script>alert(1)</script>\x1b[31m‮"
    identifier = written(
        requested_model=evil, outcome="error", status=503, error=evil, attempts=[{"endpoint": evil, "error": evil}]
    )
    for path in (LIST, f"{LIST}{identifier}/change/"):
        page = operator.get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "\x1b" not in page
        assert "‮" not in page


def test_the_page_of_a_request_tells_its_story(operator: Client) -> None:
    attempts = [
        {"endpoint": "zeta", "credential": "zeta:a", "outcome": "server_error", "status": 503, "end_ms": 5.0},
        {"endpoint": "zeta", "credential": "zeta:b", "outcome": "timeout", "started_ms": 6.0, "end_ms": 40.0},
        {"endpoint": "acme/large", "outcome": "success", "status": 200, "started_ms": 41.0, "end_ms": 250.0},
    ]
    before = written(at=NOON - 60)
    identifier = written(attempts=attempts, how="alias", strategy="priority")
    page = operator.get(f"{LIST}{identifier}/change/").content.decode()
    assert "Answered by acme/large, after zeta failed. 250 ms; 0.000125 USD." in page
    assert "First of those that could answer, by the strategy “priority”." in page
    assert "The same endpoint with the provider&#x27;s next key, after “server_error”." in page
    assert "Next in the order, after zeta: “timeout”." in page
    assert "rests for 2.0 s more" in page
    assert "an alias of a public model" in page
    assert f"/admin/metrics/requestlog/{before}/change/" in page
    assert f"/admin/explain/?request={identifier}" in page


def test_a_request_that_is_gone_leads_back_with_a_message(operator: Client) -> None:
    response = operator.get(f"{LIST}{'0' * 26}/change/")
    assert response.status_code == 302


def test_links_to_pages_that_one_may_not_open_are_not_shown() -> None:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_requestlog"))
    client = Client()
    client.force_login(user)
    page = client.get(f"{LIST}{written()}/change/").content.decode()
    assert "/admin/routing/endpoint/" not in page
    assert "/admin/explain/" not in page


def test_periods_reach_back_as_they_say() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert filters.asked({"period": "7d"}, now).since == now - timedelta(days=7)
    assert filters.asked({"since": "2026-11-20T08:00+02:00"}, now).since == datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_the_measurement_knows_every_filter() -> None:
    from bench.request_log import PAGES

    measured = {part.partition("=")[0] for query in PAGES.values() for part in query.split("&")}
    unmeasured = set(filters.LABELS) - measured - {"since", "until", "cost_max", "duration_max"}
    assert not unmeasured, Path("bench/request_log.py")
