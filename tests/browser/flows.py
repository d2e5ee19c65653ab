"""What a hand does in the admin, and what callers notice of it."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, Page, expect

from tests.running import RunningGateway, wait_for


def add_row(page: Page, prefix: str) -> str:
    """Another row in the list ``prefix`` of the form; the beginning of its fields' selectors."""
    number = page.locator(f"#id_{prefix}-TOTAL_FORMS").input_value()
    page.locator(f"#{prefix}-group a.add-row").click()
    return f"#id_{prefix}-{number}-"


def save(page: Page, told: str = "success") -> None:
    """Press Save; what was saved is told on the page that follows."""
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(told).first).to_be_visible()


def save_and_stay(page: Page) -> None:
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("success").first).to_be_visible()


def drag(page: Page, what: Locator, above: Locator) -> None:
    """With the mouse, by the handle of each row."""
    what.evaluate("element => element.scrollIntoView({block: 'center'})")
    taken, target = what.bounding_box(), above.bounding_box()
    assert taken
    assert target
    page.mouse.move(taken["x"] + taken["width"] / 2, taken["y"] + taken["height"] / 2)
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + target["height"] / 2, steps=8)
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] - 5, steps=4)
    page.mouse.up()


def says(gateway: RunningGateway, model: str, expected: str, text: str = "Hello") -> None:
    """Callers of ``model`` are told ``expected``, as soon as every worker knows what was saved: within a second."""
    asked = {"model": model, "messages": [{"role": "user", "content": text}]}
    needle = json.dumps(expected).encode()
    wait_for(lambda: all(needle in gateway.post(asked)[2] for _ in range(10)), f"{model} says {expected!r}", seconds=10)


def find(page: Page, table: str, name: str) -> None:
    """Open the row ``name`` as one does who looks for it."""
    page.goto(f"/admin/{table}/?q={name}")
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.locator("#id_name")).to_have_value(name)
