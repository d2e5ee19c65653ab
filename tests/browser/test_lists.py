"""Ordered lists in a real browser: entries dragged with the mouse, an endpoint made on the spot, a new key copied."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.visits import Visits
from tests.running import RunningGateway, wait_for

MODEL = "dragged"


def entries(page: Page) -> list[str]:
    """The endpoints of the list on the page, in the order that is seen."""
    chosen = page.locator("select[name^='entries-'][name$='-endpoint']:not([name*='__prefix__'])")
    return [str(text) for text in chosen.evaluate_all("all => all.map(one => one.selectedOptions[0].text)")]


def drag(page: Page, what: Locator, onto: Locator) -> None:
    """With a real mouse, from the middle of one to the upper edge of the other."""
    what.scroll_into_view_if_needed()
    start, end = what.bounding_box(), onto.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + start["width"] / 2, start["y"], steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 2, steps=12)
    page.mouse.up()


def save_and_stay(page: Page) -> None:
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_load_state()
    expect(page.get_by_text("successfully")).to_be_visible()


def test_an_endpoint_is_made_on_the_spot_and_dragged_to_the_top(visits: Visits, gateway: RunningGateway) -> None:
    page = visits.page()
    page.goto("/admin/routing/publicmodel/add/")
    page.fill("#id_name", MODEL)
    page.get_by_text("Add another Entry").click()
    page.select_option("#id_entries-0-endpoint", label="north")
    page.get_by_text("Add another Entry").click()
    cell = page.locator(".related-widget-wrapper").filter(has=page.locator("#id_entries-1-endpoint"))
    cell.locator("button, a, [x-on\\:click]").filter(visible=True).last.click()
    with page.expect_popup() as opened:
        page.locator("#add_id_entries-1-endpoint").click()
    popup = opened.value
    popup.wait_for_load_state()
    popup.select_option("#id_provider", label="south")
    popup.fill("#id_upstream_model", "south-tiny")
    popup.locator("[name=_save]").click()
    expect(page.locator("#id_entries-1-endpoint option:checked")).to_have_text("south/south-tiny")
    save_and_stay(page)
    assert entries(page) == ["north", "south/south-tiny"]
    handles = page.locator("#entries-group [x-sort\\:handle], #entries-group .cursor-move").filter(visible=True)
    drag(page, handles.nth(1), handles.nth(0))
    save_and_stay(page)
    assert entries(page) == ["south/south-tiny", "north"]
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
    wait_for(
        lambda: all(gateway.post(asked)[1]["x-gateway-endpoint"] == "south/south-tiny" for _ in range(10)),
        "the endpoint at the top answers, as soon as every worker knows",
    )


def test_the_count_of_keywords_follows_what_is_typed(visits: Visits) -> None:
    page = visits.page()
    page.goto("/admin/routing/category/")
    page.get_by_role("link", name="compass").click()
    expect(page.locator("output")).to_have_text("1 keyword")
    page.fill("#id_keywords", "wind rose\nnorth star  2.5")
    expect(page.locator("output")).to_have_text("2 keywords, 1 with a weight of their own")


def test_a_new_key_is_shown_once_with_its_curl_line(visits: Visits) -> None:
    page = visits.page(phone=True)
    page.goto("/admin/routing/apikey/add/")
    page.fill("#id_name", "browser")
    page.get_by_role("button", name="in 30 days").click()
    expect(page.locator("#id_expires_at_0")).to_have_value(re.compile(r"\d{4}-\d\d-\d\d"))
    page.locator("[name=_save]").click()
    shown = page.locator("[data-new-key]")
    expect(shown).to_contain_text("you will not see it again")
    expect(shown).to_contain_text(re.compile("sk-sy-[A-Za-z0-9_-]{43}"))
    expect(shown).to_contain_text("curl http")
    shown.get_by_role("button", name="Copy the key").click()
    expect(shown.get_by_role("button", name="Copied")).to_be_visible()
    page.reload()
    expect(page.locator("[data-new-key]")).to_have_count(0)
