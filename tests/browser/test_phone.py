"""On a phone: the menu opens, lists and forms fit, and nothing but tables is pushed sideways."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.flows import says
from tests.browser.visits import Visits, main_pages
from tests.running import RunningGateway


def test_main_pages_fit_the_width_of_a_phone(visits: Visits, gateway: RunningGateway) -> None:
    says(gateway, "north-chat", "from north")
    page = visits.page(phone=True)
    too_wide = {}
    for name, path in main_pages(gateway).items():
        page.goto(path)
        width = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        if width > page.evaluate("window.innerWidth"):
            too_wide[name] = width
    assert not too_wide


def test_menu_list_and_form_are_used_on_a_phone(visits: Visits) -> None:
    page = visits.page(phone=True)
    page.goto("/admin/routing/endpoint/")
    link = page.get_by_role("link", name="Categories").first
    expect(link).not_to_be_in_viewport()
    page.get_by_text("dock_to_right").or_(page.get_by_text("menu", exact=True)).locator("visible=true").first.click()
    expect(link).to_be_in_viewport()
    link.click()
    page.get_by_role("link", name="compass").first.click()
    page.fill("#id_description", "Where the wind comes from")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("success").first).to_be_visible()
