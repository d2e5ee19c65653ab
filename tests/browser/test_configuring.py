"""What an operator does by hand is what the next request meets."""

from __future__ import annotations

from openai import OpenAI
from playwright.sync_api import expect

from tests.browser.flows import add_row, drag, find, save, save_and_stay, says
from tests.browser.visits import Visits
from tests.running import RunningGateway
from tests.switchboard import Switchboard, reply

KEY = "sk-coast-0123456789abcdefghijklmnopqrstuv"


def test_a_provider_and_a_model_made_by_hand_answer_the_openai_client(
    visits: Visits, gateway: RunningGateway, board: Switchboard
) -> None:
    board.plug("coast", reply({"error": {"message": "out of order"}}, status=503))
    page = visits.page()
    page.goto("/admin/providers/provider/add/")
    page.fill("#id_name", "coast")
    page.select_option("#id_kind", "openai-compatible")
    page.fill("#id_base_url", board.base_url("coast"))
    row = add_row(page, "keys")
    page.fill(f"{row}label", "team")
    page.fill(f"{row}secret", KEY)
    save(page)
    assert KEY not in page.content()

    page.goto("/admin/routing/endpoint/add/")
    page.fill("#id_name", "coast")
    page.select_option("#id_provider", label="coast")
    page.fill("#id_upstream_model", "coast-large")
    save(page)

    page.goto("/admin/routing/publicmodel/add/")
    page.fill("#id_name", "orient")
    for endpoint in ("coast", "south"):
        row = add_row(page, "entries")
        page.select_option(f"{row}endpoint", label=endpoint)
    page.fill(f"{add_row(page, 'aliases')}name", "sunrise")
    save(page)

    says(gateway, "orient", "from south")
    client = OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0)
    said = client.chat.completions.create(model="sunrise", messages=[{"role": "user", "content": "Hi"}])
    assert said.choices[0].message.content == "from south", "the first endpoint is down, the second answers"
    asked = board.seen("coast")
    assert asked
    assert {request.headers["authorization"] for request in asked} == {f"Bearer {KEY}"}


def test_the_next_request_follows_the_order_that_the_mouse_made(visits: Visits, gateway: RunningGateway) -> None:
    says(gateway, "router", "from north", "Set the topgallant")
    page = visits.page()
    find(page, "routing/category", "sails")
    handles = page.locator("#entries-group").get_by_text("drag_indicator").locator("visible=true")
    drag(page, handles.nth(1), above=handles.nth(0))
    save(page)
    says(gateway, "router", "from south", "Set the topgallant")


def test_a_broken_configuration_is_refused_in_words(visits: Visits, gateway: RunningGateway) -> None:
    page = visits.page()
    page.goto("/admin/routing/publicmodel/add/")
    page.fill("#id_name", "compass")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("“compass” is already the name of a category").first).to_be_visible()

    find(page, "routing/publicmodel", "first-watch")
    page.select_option(f"{add_row(page, 'entries')}model", label="second-watch")
    save(page)
    find(page, "routing/publicmodel", "second-watch")
    page.select_option(f"{add_row(page, 'entries')}model", label="first-watch")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("would lead back to the model itself").first).to_be_visible()
    says(gateway, "second-watch", "from south")


def test_nobody_overwrites_somebody_elses_change_unknowingly(visits: Visits) -> None:
    mine, yours = visits.page(), visits.page("operator")
    for page in (mine, yours):
        find(page, "routing/publicmodel", "second-watch")
    yours.fill("#id_description", "Said by you, saved first")
    save_and_stay(yours)
    mine.fill("#id_owned_by", "me")
    mine.get_by_role("button", name="Save", exact=True).click()
    expect(mine.get_by_text("This was changed since you opened it, last by operator").first).to_be_visible()
    expect(mine.get_by_text("Said by you, saved first").first).to_be_visible()
    yours.reload()
    expect(yours.locator("#id_owned_by")).to_have_value("")
    expect(yours.locator("#id_description")).to_have_value("Said by you, saved first")
