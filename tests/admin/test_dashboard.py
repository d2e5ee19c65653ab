"""The admin's first page tells what was counted, what wants mending, and no more than its reader may see."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from metrics import drain, fill, periods, spans, spool
from providers.models import Price, Provider, ProviderKey, ProviderModel
from routing import catalog
from routing.limits import Reading
from routing.models import CircuitState, Endpoint, Entry, KeyState, PublicModel
from routing.windows import WINDOWS
from tests.metrics.records import made, spooled

NOW = time.time()
DAY = 86400


@pytest.fixture(autouse=True)
def spool_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(spool, "default_directory", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def taken_over(db: None) -> None:
    """Nothing is left to be taken over from a version before."""
    while fill.step():
        pass


def seen(page: Client, **asked: str) -> str:
    answer = page.get("/admin/", asked)
    assert answer.status_code == 200
    return answer.content.decode()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", strip_tags(html))


def tile(html: str, key: str) -> str:
    found = re.search(rf'data-tile="{key}">(.*?)</li>', html, re.S)
    assert found, key
    return words(found[1])


def told(directory: Path, *records: dict[str, Any]) -> None:
    spooled(directory, *records)
    drain.drain(directory)


def attention(page: Client) -> str:
    found = re.search(r'id="dash-attention"(.*?)</section>', seen(page), re.S)
    assert found
    return found[1]


def reader(*permissions: str) -> Client:
    user = User.objects.create_user("reader", password="pw", is_staff=True)
    for permission in permissions:
        app, _, name = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=name))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("name", "inside", "before"),
    [
        ("24h", 0.9, 1.5),
        ("7d", 5, 9),
        ("30d", 28, 40),
        ("90d", 88, 120),
        ("12m", 300, 400),
    ],
)
def test_each_period_counts_what_began_in_it_and_compares_with_the_one_before(
    page: Client, spool_directory: Path, name: str, inside: float, before: float
) -> None:
    told(
        spool_directory,
        *(made(at=NOW) for _ in range(3)),
        made(at=NOW - inside * DAY),
        *(made(at=NOW - before * DAY) for _ in range(2)),
    )
    html = seen(page, period=name)
    assert tile(html, "requests").split()[:2] == ["Requests", "4"]
    assert "+100 %" in tile(html, "requests")
    data = json.loads(re.search(r'id="dash-data"[^>]*>(.*?)</script>', html, re.S)[1])  # type: ignore[index]
    succeeded = data["charts"][0]["series"][0]["values"]
    assert (sum(succeeded), succeeded[-1], len(succeeded)) == (4, 3, len(data["labels"]))


def test_figures_are_those_of_the_records(page: Client, spool_directory: Path) -> None:
    told(
        spool_directory,
        *(made(at=NOW, duration_ms=100.0, first_ms=20.0, cached_tokens=5, cost="1.25") for _ in range(18)),
        made(at=NOW, duration_ms=3000.0, first_ms=900.0, cost="0.5", currency="EUR"),
        made(at=NOW, outcome="timeout", status=504, cost=None, currency="", prompt_tokens=None),
        made(at=NOW, outcome="cancelled", status=0, cost=None, currency=""),
        made(at=NOW, cost=None, currency="", provider="zeta", endpoint="zeta/large"),
    )
    html = seen(page)
    assert tile(html, "requests").split()[:2] == ["Requests", "22"]
    assert "95.2 %" in tile(html, "success")
    assert "1 failed · 1 cancelled" in tile(html, "success")
    assert "p99 " in tile(html, "latency")
    assert "22 failed tries" in tile(html, "failovers")
    assert "22.50 USD" in tile(html, "spend")
    assert "0.50 EUR" in tile(html, "spend")
    assert "1 answer of unknown cost: zeta/large" in tile(html, "spend")
    assert "231 in · 154 out · 90 cached" in tile(html, "tokens")
    assert "outcome=failed" in html


@pytest.mark.parametrize(
    ("by", "parameter", "names"),
    [
        ("model", "model", ("fast", "smart")),
        ("provider", "provider", ("acme", "zeta")),
        ("api_key", "key", ("shop", "bot")),
        ("category", "category", ("tools", "chat")),
        ("endpoint", "endpoint", ("acme/large", "zeta/large")),
    ],
)
def test_each_name_of_a_breakdown_leads_to_its_requests(
    page: Client, spool_directory: Path, by: str, parameter: str, names: tuple[str, str]
) -> None:
    others = {"route": "smart", "provider": "zeta", "endpoint": "zeta/large", "api_key": "bot", "category": "chat"}
    told(spool_directory, *(made(at=NOW, category="tools") for _ in range(3)), made(at=NOW, **others))
    html = seen(page, by=by).replace("%2F", "/")
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", html, re.S)
    assert [words(row).split()[:2] for row in rows[:2]] == [[names[0], "3"], [names[1], "1"]]
    assert "75.0" in rows[0]
    assert f"{parameter}={names[0]}" in rows[0]
    assert "since=" in rows[0]


def test_links_lead_to_a_list_of_just_those_requests(page: Client, spool_directory: Path) -> None:
    failed = made(at=NOW, outcome="timeout", status=504)
    told(spool_directory, made(at=NOW), failed, made(at=NOW - 3 * DAY, outcome="timeout"))
    links = re.findall(r'data-tile="success"><a href="([^"]+)"', seen(page))
    html = page.get(links[0].replace("&amp;", "&")).content.decode()
    assert html.count(f"/admin/metrics/requestlog/{failed['id']}/") >= 1
    assert len(set(re.findall(r"/admin/metrics/requestlog/(\w{26})/", html))) == 1


def test_ten_names_are_shown_and_all_on_demand(page: Client, spool_directory: Path) -> None:
    told(spool_directory, *(made(at=NOW, route=f"m{number}") for number in range(13)))
    assert seen(page).count('<th scope="row">') == 10
    assert "Show all, 3 more" in words(seen(page))
    assert seen(page, all="1").count('<th scope="row">') == 13


def test_what_has_just_been_written_is_there(page: Client, spool_directory: Path) -> None:
    from metrics import record

    told(spool_directory, made(at=NOW))
    spool.Spool(spool_directory).append(record.encode(record.fit(made(at=NOW))))
    assert tile(seen(page), "requests").split()[1] == "2"


def test_a_hundred_names_cost_as_many_queries_as_one(page: Client, spool_directory: Path) -> None:
    told(spool_directory, made(at=NOW))
    seen(page, by="endpoint")
    with CaptureQueriesContext(connection) as few:
        seen(page, by="endpoint")
    told(
        spool_directory,
        *(made(at=NOW - DAY * n, endpoint=f"acme/{n}", api_key=f"k{n}", category=f"c{n}") for n in range(100)),
    )
    for number in range(20):
        CircuitState.objects.create(identity=f"acme|{number}|x", phase="open")
    with CaptureQueriesContext(connection) as many:
        seen(page, by="endpoint", period="12m", all="1")
    assert len(many) == len(few)


@pytest.mark.usefixtures("taken_over")
def test_without_a_request_there_are_first_steps_and_no_charts(page: Client, spool_directory: Path) -> None:
    html = seen(page)
    assert "Three steps to the first answer" in html
    assert "curl http://127.0.0.1:8000/v1/chat/completions" in html
    assert "canvas" not in html
    told(spool_directory, made(at=NOW))
    assert "Three steps" not in seen(page)


def test_a_quiet_period_says_so(page: Client, spool_directory: Path) -> None:
    told(spool_directory, made(at=NOW - 40 * DAY))
    html = seen(page)
    assert "No requests in this period." in html
    assert tile(html, "success").split()[2] == "–"


def test_hours_that_are_still_to_be_taken_over_are_mentioned(page: Client, spool_directory: Path) -> None:
    told(spool_directory, made(at=NOW))
    assert "taken over from an earlier version" in seen(page)
    while fill.step():
        pass
    assert "taken over from an earlier version" not in seen(page)


def test_the_fragment_is_the_live_part_alone(page: Client, spool_directory: Path) -> None:
    told(spool_directory, made(at=NOW))
    text = seen(page, fragment="1", period="7d")
    assert "<html" not in text
    assert tile(text, "requests").split()[1] == "1"
    assert "fragment" not in text


def test_an_unknown_choice_is_the_usual_one(page: Client, spool_directory: Path) -> None:
    told(spool_directory, made(at=NOW))
    assert tile(seen(page, period="<x>", by="password"), "requests").split()[1] == "1"


@pytest.fixture
def serving(page: Client, spool_directory: Path) -> tuple[Provider, Endpoint]:
    """A provider with a key and a priced model, at work."""
    told(spool_directory, *(made(at=NOW, attempts=[], tries=0, cost="1") for _ in range(2)))
    provider = Provider(name="acme", kind="openai-compatible", base_url="https://acme.example/v1")
    provider.save()
    ProviderKey(provider=provider, label="main", secret="sk-" + "x" * 40).save()
    model = ProviderModel(provider=provider, name="large")
    model.save()
    Price(model=model, input=1, output=2).save()
    endpoint = Endpoint(name="acme/large", provider=provider, upstream_model="large", limit_requests=10)
    endpoint.save()
    public = PublicModel(name="fast")
    public.save()
    Entry(owner_model=public, endpoint=endpoint).save()
    catalog.refresh()
    return provider, endpoint


IDENTITY = "acme|large|https://acme.example/v1"


def test_all_well_is_one_friendly_line(page: Client, serving: Any) -> None:
    assert "All is well" in attention(page)


def test_an_open_circuit_is_named_until_it_closes(page: Client, serving: Any) -> None:
    row = CircuitState.objects.create(
        identity=IDENTITY, phase="open", circuit_cause="timeout: nobody there", next_probe_at=NOW + 60
    )
    said = attention(page)
    assert "Endpoint acme/large gets no requests: its circuit is open. timeout: nobody there" in said
    assert "/admin/routing/circuitstate/acme" in said
    assert "All is well" not in said
    row.phase, row.drained = "closed", True
    row.save()
    assert "Endpoint acme/large is drained" in attention(page)
    row.drained = False
    row.save()
    assert "All is well" in attention(page)


def test_a_key_that_is_rejected_is_named_until_it_is_replaced(page: Client, serving: Any) -> None:
    provider, _endpoint = serving
    key = catalog.current().providers["acme"].credentials[0].state_key
    KeyState.objects.create(
        identity=f"provider:{key}", rest_code="credential_rejected", cause="401 wrong key", rests_until=NOW + 600
    )
    said = attention(page)
    assert "Provider acme rejects the key acme/main: 401 wrong key" in said
    assert "sk-" not in said
    stored = ProviderKey.objects.get(provider=provider)
    stored.secret = "sk-" + "y" * 40
    stored.save()
    catalog.refresh()
    assert "rejects" not in attention(page)


def test_a_provider_that_fails_is_named(page: Client, serving: Any, spool_directory: Path) -> None:
    told(spool_directory, *(made(at=NOW, attempts=[], tries=0) for _ in range(20)))
    assert "tries failed" not in attention(page)
    told(spool_directory, *(made(at=NOW) for _ in range(6)))  # each failed at zeta first
    assert "Provider zeta: 6 of 6 tries failed" in attention(page)


def test_a_window_that_is_nearly_full_is_named(page: Client, serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def used(count: int) -> None:
        reading = Reading(count, 0, 10 - count, None, count >= 10, 30.0)
        monkeypatch.setattr(WINDOWS, "read", lambda windows: {window.key: reading for window in windows})

    used(7)
    assert "limit in the last" not in attention(page)
    used(8)
    assert "Endpoint acme/large has used 80 % of its limit in the last 60 s." in attention(page)


def test_a_model_in_use_without_a_price_is_named(page: Client, serving: Any, spool_directory: Path) -> None:
    told(spool_directory, made(at=NOW, cost=None, currency=""))
    assert "has no price" not in attention(page)  # it has one by now
    Price.objects.get(model__provider__name="acme").delete()
    catalog.refresh()
    assert "A model in use has no price, so its cost is unknown: acme/large" in attention(page)


def test_a_provider_without_a_key_that_models_lead_to_is_named(page: Client, serving: Any) -> None:
    ProviderKey.objects.get(provider__name="acme").delete()
    catalog.refresh()
    assert "Provider acme has no usable key, though models lead to it." in attention(page)


def test_a_refused_configuration_and_records_put_aside_are_named(
    page: Client, serving: Any, spool_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "status", lambda: catalog.Status(7, "ValueError: a cycle", 0.0))
    (spool_directory / drain.REJECTED).write_bytes(b"{}\n{}\n")
    said = attention(page)
    assert "generation 7 still serves: ValueError: a cycle" in said
    assert "2 records were refused" in said


def test_whoever_may_not_see_requests_is_only_welcomed(db: None, spool_directory: Path) -> None:
    told(spool_directory, made(at=NOW))
    html = seen(reader("routing.view_publicmodel"))
    assert "Welcome to Switchyard" in html
    assert "/admin/routing/publicmodel/" in html
    assert "dash-tiles" not in html
    assert "shop" not in html


def test_whoever_may_not_open_a_page_gets_no_link_to_it(serving: Any) -> None:
    CircuitState.objects.create(identity=IDENTITY, phase="open")
    ProviderKey.objects.get(provider__name="acme").delete()
    catalog.refresh()
    said = attention(reader("metrics.view_requestlog"))
    assert "Endpoint acme/large gets no requests" in said
    assert "Provider acme has no usable key" in said
    assert "href" not in said


def test_periods_begin_with_whole_spans() -> None:
    now = datetime(2026, 3, 31, 14, 43, 7, tzinfo=UTC)
    starts = {name: periods.period(name, now).start for name in periods.PERIODS}
    assert starts == {
        "24h": datetime(2026, 3, 30, 15, tzinfo=UTC),
        "7d": datetime(2026, 3, 25, tzinfo=UTC),
        "30d": datetime(2026, 3, 2, tzinfo=UTC),
        "90d": datetime(2026, 1, 1, tzinfo=UTC),
        "12m": datetime(2025, 4, 1, tzinfo=UTC),
    }
    for name in periods.PERIODS:
        period = periods.period(name, now)
        start, end = period.before
        assert (end, end - start) == (period.start, period.end - period.start)
        assert period.end == datetime(2026, 3, 31, 15, tzinfo=UTC)
    assert spans.cover(datetime(2026, 1, 1, tzinfo=UTC), period.open_end)[0].span == spans.MONTH


def test_a_period_read_by_any_spans_is_the_sum_of_its_hours(db: None, spool_directory: Path) -> None:
    told(spool_directory, *(made(at=NOW - 3600 * 7 * number, cost="0.1") for number in range(60)))
    end = spans.begin(spans.HOUR, datetime.now(UTC)) + timedelta(hours=1)
    for hours in (1, 24, 50, 24 * 17, 24 * 40):
        figures = periods.whole(end - timedelta(hours=hours), end)
        expected = len([n for n in range(60) if NOW - 3600 * 7 * n >= end.timestamp() - 3600 * hours])
        assert (figures.usage.requests, figures.usage.cost["USD"]) == (expected, Decimal("0.1") * expected)
