"""A file is shown as a difference first, and imported then."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.flows import says
from tests.browser.visits import Visits
from tests.running import RunningGateway


def test_an_import_is_looked_at_and_then_made(visits: Visits, gateway: RunningGateway) -> None:
    page = visits.page()
    page.goto("/admin/import/")
    light = "\nmodels:\n  lighthouse: {entries: [{endpoint: south}]}\n"
    document = gateway.manage("export_config").replace("\nmodels:\n", light, 1)
    page.set_input_files("#files", {"name": "lights.yaml", "mimeType": "application/yaml", "buffer": document.encode()})
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("heading", name="models/lighthouse")).to_be_visible()
    assert gateway.rows("SELECT * FROM routing_publicmodel WHERE name = 'lighthouse'") == []
    page.get_by_role("button", name="Import now").click()
    expect(page.get_by_role("button", name="Import now")).to_have_count(0)
    says(gateway, "lighthouse", "from south")
