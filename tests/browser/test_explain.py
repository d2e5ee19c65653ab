"""The page "Explain" as somebody sees it: a question, its answer, and the same with a proposed configuration."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import Visits
from tests.running import RunningGateway

pytestmark = pytest.mark.gateway

PROPOSED = """
categories:
  compass:
    keywords: [wind rose]
    entries: [{endpoint: south}, {endpoint: north}]
endpoints:
  north: {provider: north, upstream_model: north-large, enabled: false}
"""


def endpoints(page: Page, side: str) -> list[str | None]:
    return [row.get_attribute("data-endpoint") for row in page.locator(f"#{side} [data-endpoint]").all()]


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (True, True)])
def test_a_prompt_is_classified_and_its_route_explained(visits: Visits, phone: bool, dark: bool) -> None:
    page = visits.page("admin", phone=phone, dark=dark)
    page.goto("/admin/explain/")
    page.get_by_label("Model").fill("router")
    page.get_by_label("Prompt").fill("Draw me a Wind-Rose, please.")
    page.locator("#explain-form").get_by_role("button", name="Explain").click()
    expect(page.locator("#resolution")).to_contain_text("the category that the request is about: “compass”")
    expect(page.locator("#classification mark")).to_have_text("Wind-Rose")
    assert endpoints(page, "now") == ["north", "south"]
    expect(page.locator("#now")).to_contain_text("Number 1 in the configured list.")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_proposed_configuration_is_shown_beside_the_present(visits: Visits, gateway: RunningGateway) -> None:
    before = gateway.manage("export_config")
    page = visits.page("admin")
    page.goto("/admin/explain/?category=compass")
    assert endpoints(page, "now") == ["north", "south"]
    page.get_by_text("Compare with a proposed configuration").click()
    page.get_by_label("Proposed configuration").fill(PROPOSED)
    page.get_by_label("a part of it").check()
    page.locator("#explain-form").get_by_role("button", name="Explain").click()
    assert endpoints(page, "now") == ["north", "south"]
    assert endpoints(page, "then") == ["south", "north"]
    expect(page.locator("#then")).to_contain_text("moved: was 2.")
    expect(page.locator("#then")).to_contain_text("was tried as 1.")
    expect(page.locator("#then")).to_contain_text("endpoint north is disabled")
    expect(page.locator("#comparison")).to_contain_text("2 differences")
    assert gateway.manage("export_config") == before


def test_what_is_wrong_with_a_document_is_told_with_its_place(visits: Visits) -> None:
    page = visits.page("admin")
    page.goto("/admin/explain/?model=north-chat")
    page.get_by_text("Compare with a proposed configuration").click()
    wrong = b"models: {north-chat: {entries: [{endpoint: east}]}}"
    page.set_input_files("input[type=file]", {"name": "wrong.yaml", "mimeType": "application/yaml", "buffer": wrong})
    page.get_by_label("a part of it").check()
    page.locator("#explain-form").get_by_role("button", name="Explain").click()
    expect(page.locator("#problems")).to_contain_text("models/north-chat/entries/0")
    assert endpoints(page, "now") == ["north"]
