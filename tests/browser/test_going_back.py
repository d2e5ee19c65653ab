"""A change that was a mistake is taken back on the page of revisions."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.flows import find, save, says
from tests.browser.visits import Visits
from tests.running import RunningGateway


def test_the_next_request_follows_a_rollback(visits: Visits, gateway: RunningGateway) -> None:
    page = visits.page()
    find(page, "routing/publicmodel", "second-watch")
    page.select_option("#id_entries-0-endpoint", label="north")
    save(page)
    says(gateway, "second-watch", "from north")

    page.goto("/admin/routing/configrevision/")
    page.get_by_role("link", name="Roll back to it").nth(1).click()
    expect(page.get_by_role("link", name="models/second-watch")).to_be_visible()
    assert "north" in page.locator(".gw-diff .old").all_inner_texts()[0]
    says(gateway, "second-watch", "from north")  # a look changes nothing
    page.fill("#message", "The south answers in its own voice")
    page.get_by_role("button", name="Roll back to #").click()
    expect(page.get_by_text("The south answers in its own voice").first).to_be_visible()
    says(gateway, "second-watch", "from south")
