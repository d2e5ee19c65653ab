"""Pictures of the admin's main pages, for README and docs: ``make screenshots``.

A gateway of its own with a made-up configuration, and requests to a server of this machine that plays the vendors.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import yaml
from playwright.sync_api import Page

from tests.browser import sample
from tests.browser.visits import PASSWORDS, Visits
from tests.chromium import open_browser
from tests.running import ROOT, RunningGateway, running_gateway

FOLDER = ROOT / "docs" / "images"
REQUESTS = 120
MOST_BYTES = 200_000
VIEWPORT = {"width": 1300, "height": 900}
SECRETS = """
from providers.models import ProviderKey
from providers.configuration import one_change
with one_change("admin", "admin"):
    for key in ProviderKey.objects.all():
        key.secret = "example-" + key.provider.name + "-" + "0" * 32
        key.save()
"""


def main() -> int:
    """Write all pictures; 1 if one is larger than 200 kB or a page complained in its console."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as made,
        open_browser() as browser,
        sample.Vendors() as vendors,
    ):
        password = PASSWORDS["admin"] = "picture-password"
        with running_gateway(Path(made), workers=2, GATEWAY_ADMIN_PASSWORD=password, LOG_LEVEL="error") as gateway:
            visits = Visits(browser, gateway, {})
            import_sample(visits.page(), yaml.safe_dump(sample.configuration(vendors), sort_keys=False))
            gateway.manage("shell", "-v", "0", "-c", SECRETS)
            sample.ask(gateway, REQUESTS)
            take(visits, gateway)
            for complaint in visits.complaints:
                print(complaint)
            visits.close()
    large = [file.name for file in FOLDER.glob("*.png") if file.stat().st_size > MOST_BYTES]
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}; too large: {', '.join(large) or 'none'}")
    return 1 if large or visits.complaints else 0


def take(visits: Visits, gateway: RunningGateway) -> None:
    """Every page, as its name in docs/admin.md says."""
    page, dark, phone = visits.page(), visits.page(dark=True), visits.page(phone=True)
    for one in (page, dark):
        one.set_viewport_size(VIEWPORT)  # type: ignore[arg-type]  # two plain numbers

    def number(table: str, where: str) -> str:
        return str(gateway.rows(f"SELECT id FROM {table} WHERE {where}")[0]["id"])

    change_by_hand(page, number("routing_publicmodel", "name = 'assistant'"))
    provider = number("providers_provider", "name = 'mistral'")
    category = number("routing_category", "name = 'code'")
    failed_over = number("metrics_requestlog", "tries > 1 AND outcome = 'success' AND how IS NOT NULL ORDER BY at DESC")
    shoot(page, "/admin/", "dashboard")
    shoot(dark, "/admin/", "dashboard-dark")
    shoot(phone, "/admin/", "dashboard-phone")
    shoot(page, "/admin/providers/provider/", "providers")
    shoot(page, f"/admin/providers/provider/{provider}/change/", "provider")
    shoot(page, "/admin/routing/endpoint/", "endpoints")
    shoot(page, "/admin/routing/publicmodel/", "models")
    shoot(page, f"/admin/routing/category/{category}/change/", "category", bottom=True)
    shoot(page, "/admin/metrics/requestlog/", "requests")
    shoot(page, f"/admin/metrics/requestlog/{failed_over}/change/", "request")
    shoot(dark, "/admin/routing/circuitstate/", "circuits-dark")
    shoot(page, "/admin/routing/configrevision/", "revisions")
    newest = gateway.rows("SELECT max(number) AS newest FROM routing_configrevision")[0]["newest"]
    shoot(page, f"/admin/routing/configrevision/{newest - 1}/rollback/", "rollback")
    explain(page)
    converse(dark)


def import_sample(page: Page, document: str) -> None:
    page.set_viewport_size(VIEWPORT)  # type: ignore[arg-type]  # two plain numbers
    page.goto("/admin/import/")
    page.set_input_files("#files", {"name": "sample.yaml", "mimeType": "application/yaml", "buffer": document.encode()})
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Import now").wait_for()
    picture(page, "import")
    with page.expect_navigation():
        page.get_by_role("button", name="Import now").click()


def change_by_hand(page: Page, model: str) -> None:
    """A change for the list of revisions."""
    page.goto(f"/admin/routing/publicmodel/{model}/change/")
    page.fill("#id_description", "For the shop's chat and the support desk.")
    page.select_option("#id_strategy", "ordered")
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_load_state()
    shoot(page, page.url, "model")


def explain(page: Page) -> None:
    page.goto("/admin/explain/")
    page.get_by_label("Model").fill("router")
    page.get_by_label("Prompt").fill("Refactor this python function, and explain the traceback step by step.")
    page.locator("#explain-form").get_by_role("button", name="Explain").click()
    page.locator("#resolution").evaluate("element => element.scrollIntoView({block: 'start'})")
    picture(page, "explain")


def converse(page: Page) -> None:
    page.goto("/admin/playground/?model=assistant&second=fast")
    page.get_by_label("Message").fill("Why is the sky red in the evening?")
    page.get_by_role("button", name="Send").click()
    for side in (0, 1):
        page.locator(f"#play-side-{side} article[data-outcome=complete]").wait_for()
        page.locator(f"#play-side-{side} article").get_by_text("See the request").wait_for()
    picture(page, "playground-dark")


def shoot(page: Page, path: str, name: str, bottom: bool = False) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    if bottom:
        page.mouse.move(800, 500)
        page.mouse.wheel(0, 3000)
    picture(page, name)


def picture(page: Page, name: str) -> None:
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(400)  # charts grow
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    print(json.dumps({"picture": name, "bytes": (FOLDER / f"{name}.png").stat().st_size}))


if __name__ == "__main__":
    sys.exit(main())
