"""Somebody who may only look finds nothing to change, and is refused where no button is."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.visits import Visits, main_pages
from tests.running import RunningGateway


def posted(page: Page, path: str, **fields: str) -> int:
    """The status of a form that was not on any page."""
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    form = {**fields, "csrfmiddlewaretoken": token}
    url = page.url.split("/admin/")[0] + path
    return page.context.request.post(url, form=form, headers={"Referer": url}, max_redirects=0).status


def test_a_viewer_cannot_change_anything(visits: Visits, gateway: RunningGateway) -> None:
    page = visits.page("viewer")
    pages = main_pages(gateway)
    page.goto(pages["models"])
    expect(page.get_by_role("link", name="north-chat").first).to_be_visible()
    assert page.get_by_role("link", name="add", exact=True).count() == 0
    assert page.get_by_role("button", name="Save").count() == 0
    page.goto(pages["model"])
    expect(page.get_by_text("north-chat").first).to_be_visible()
    assert page.locator("#id_name").count() == 0
    assert page.get_by_role("button", name="Save").count() == 0
    assert page.get_by_role("link", name="Delete").count() == 0
    assert posted(page, pages["model"], name="mine") == 403
    assert posted(page, "/admin/routing/publicmodel/add/", name="mine") == 403
    assert posted(page, "/admin/routing/configrevision/1/rollback/") == 403
    assert gateway.rows("SELECT * FROM routing_publicmodel WHERE name = 'mine'") == []


def test_an_operator_changes_routing_but_not_people(visits: Visits, gateway: RunningGateway) -> None:
    page = visits.page("operator")
    page.goto(main_pages(gateway)["model"])
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    assert page.get_by_role("link", name="Users").count() == 0
    assert posted(page, "/admin/auth/user/add/", username="mine") == 403
