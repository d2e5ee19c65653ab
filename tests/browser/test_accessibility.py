"""No serious or critical violation on the main pages, light and dark, by axe-core (npm; ``make`` installs it)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.flows import says
from tests.browser.visits import Visits, main_pages
from tests.running import RunningGateway
from tests.services import missing

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
FAULTS = """async () => {
  const found = await axe.run(document, {resultTypes: ["violations"]});
  return found.violations
    .filter(rule => ["serious", "critical"].includes(rule.impact))
    .flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary} ${node.html}`));
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.is_file():
        npm = "make test installs it" if shutil.which("npm") else "apt-get install npm"
        missing(f"needs axe-core from npm: {npm}")
    return AXE.read_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_main_page_has_a_serious_violation(visits: Visits, gateway: RunningGateway, axe: str, dark: bool) -> None:
    says(gateway, "north-chat", "from north")
    stranger, page = visits.page(None, dark=dark), visits.page(dark=dark)
    faults = check(stranger, "/admin/login/", axe, dark)
    for path in main_pages(gateway).values():
        faults += check(page, path, axe, dark)
    assert not faults, "\n".join(faults)


def check(page: Page, path: str, axe: str, dark: bool) -> list[str]:
    """What axe-core says of the page at ``path``."""
    page.goto(path)
    assert page.evaluate("document.documentElement.classList.contains('dark')") == dark
    page.evaluate(axe)
    return [f"{path}: {fault}" for fault in page.evaluate(FAULTS)]
