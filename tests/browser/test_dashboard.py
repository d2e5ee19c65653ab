"""The dashboard as it is used: it keeps itself up to date, and everything can be reached without a mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import FAULTS, axe
from tests.browser.visits import Visits, tab_to
from tests.running import RunningGateway

__all__ = ["axe"]  # a fixture


def ask(gateway: RunningGateway, model: str = "north-chat") -> None:
    body = {"model": model, "messages": [{"role": "user", "content": "Where are you?"}]}
    status, _headers, answer = gateway.post(body)
    assert status == 200, answer


def requests_told(page: Page) -> int:
    return int(page.locator("[data-tile=requests] .gw-figure").inner_text().replace(",", ""))


@pytest.fixture(autouse=True)
def _asked(gateway: RunningGateway) -> None:
    ask(gateway)


def test_new_figures_arrive_without_a_reload_and_not_while_nobody_looks(
    visits: Visits, gateway: RunningGateway
) -> None:
    page = visits.page()
    page.clock.install()
    page.goto("/admin/")
    page.evaluate("window.kept = true")
    before = requests_told(page)
    ask(gateway)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    with_requests: list[str] = []
    page.on("request", lambda request: with_requests.append(request.url))
    page.clock.fast_forward(60_000)
    assert with_requests == []
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    page.clock.fast_forward(16_000)
    expect(page.locator("[data-tile=requests] .gw-figure")).to_have_text(str(before + 1))
    assert page.evaluate("window.kept") is True
    drawn = "Chart.getChart('chart-requests').data.datasets[0].data.reduce((sum, count) => sum + count)"
    assert page.evaluate(drawn) == before + 1


def test_the_charts_can_be_read_as_a_table(visits: Visits) -> None:
    page = visits.page()
    page.goto("/admin/?period=7d")
    summary = page.locator("#dash-table summary")
    tab_to(page, summary, most=80)
    page.keyboard.press("Enter")
    rows = page.locator("#dash-table tbody tr")
    expect(rows.last).to_contain_text(re.compile(r"\d"))
    assert rows.count() >= 6 * 24
    heads = page.locator("#dash-table thead th").all_inner_texts()
    assert heads[:4] == ["Time", "succeeded", "failed", "cancelled"]


def test_another_breakdown_needs_no_mouse_and_no_reload(visits: Visits) -> None:
    page = visits.page()
    page.goto("/admin/")
    page.evaluate("window.kept = true")
    tab_to(page, page.get_by_role("link", name="By provider"), most=80)
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Provider")).to_be_visible()
    expect(page.get_by_role("link", name="By provider")).to_be_focused()
    assert page.url.endswith("?by=provider")
    assert page.evaluate("window.kept") is True
    page.go_back()
    expect(page.get_by_role("columnheader", name="Model")).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_figures_and_charts_have_no_serious_fault_of_accessibility(visits: Visits, axe: str, dark: bool) -> None:
    page = visits.page(dark=dark)
    page.goto("/admin/")
    page.evaluate(axe)
    assert page.evaluate(FAULTS) == []


def test_nothing_is_wider_than_a_phone(visits: Visits) -> None:
    page = visits.page(phone=True)
    page.goto("/admin/?period=12m&by=endpoint")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
