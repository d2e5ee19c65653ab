"""Without a mouse: the menu, a field, and Save."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.flows import find
from tests.browser.visits import Visits, tab_to


def test_a_row_is_found_changed_and_saved_by_keyboard(visits: Visits) -> None:
    page = visits.page()
    page.goto("/admin/explain/")
    tab_to(page, page.get_by_role("link", name="Public models").first)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/routing/publicmodel/")
    page.keyboard.press("/")
    expect(page.locator("#searchbar")).to_be_focused()
    page.keyboard.type("first-watch")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=first-watch")
    row = page.get_by_role("link", name="first-watch", exact=True)
    tab_to(page, row, most=80)
    page.keyboard.press("Enter")
    description = page.locator("#id_description")
    tab_to(page, description, most=80)
    page.keyboard.type("Written without a mouse")
    tab_to(page, page.get_by_role("button", name="Save", exact=True), most=80)
    page.keyboard.press("Enter")
    expect(page.get_by_text("success").first).to_be_visible()
    find(page, "routing/publicmodel", "first-watch")
    expect(description).to_have_value("Written without a mouse")
