"""The first thing that a newcomer does: sign in with the password that the first start told."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.visits import PASSWORDS, Visits, tab_to


def test_the_first_login_by_keyboard_leads_to_the_first_page(visits: Visits) -> None:
    page = visits.page(None)
    page.goto("/admin/")
    tab_to(page, page.locator("#id_username"), most=3)
    page.keyboard.type("admin")
    tab_to(page, page.locator("#id_password"), most=2)
    page.keyboard.type(PASSWORDS["admin"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")
    link = page.get_by_role("link", name="Endpoints").first
    tab_to(page, link)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/routing/endpoint/")


def test_a_wrong_password_is_told_in_words(visits: Visits) -> None:
    page = visits.page(None)
    page.goto("/admin/login/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()


def test_who_guesses_is_told_to_wait(visits: Visits) -> None:
    page = visits.page(None)
    page.goto("/admin/login/")
    for _ in range(6):
        page.fill("#id_username", "nobody")
        page.fill("#id_password", "a guess")
        with page.expect_navigation():
            page.keyboard.press("Enter")
    expect(page.get_by_text("Too many attempts to sign in. Try again in")).to_be_visible()
