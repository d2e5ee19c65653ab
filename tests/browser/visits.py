"""Pages of a gateway as somebody sees them, and what these pages complain about."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Response

from tests.chromium import WIDE
from tests.running import RunningGateway

PHONE = {"width": 390, "height": 844}
PASSWORDS = {"admin": "", "viewer": "viewer-password", "operator": "operator-password"}  # the first: of the first start
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visits:
    """``page()`` opens pages; ``complaints`` are what went wrong in them, apart from what was forgiven."""

    def __init__(self, browser: Browser, gateway: RunningGateway, cookies: dict[str, Any]) -> None:
        self._browser = browser
        self._gateway = gateway
        self._cookies = cookies  # by who signed in: once for all tests
        self._contexts: list[BrowserContext] = []
        self.heard: list[str] = []
        self._forgiven: list[str] = []

    def page(self, who: str | None = "admin", *, phone: bool = False, dark: bool = False) -> Page:
        """An empty page with cookies of its own, signed in as ``who``; None: as nobody."""
        context = self._browser.new_context(
            base_url=self._gateway.url,
            viewport=PHONE if phone else WIDE,  # type: ignore[arg-type]  # two plain numbers
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
            storage_state=self._signed_in(who) if who else None,
        )
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        self._listen(context)
        return context.new_page()

    def forgive(self, pattern: str) -> None:
        """What the test itself brings about, such as a page that is refused with a status."""
        self._forgiven.append(pattern)

    @property
    def complaints(self) -> list[str]:
        return [said for said in self.heard if not any(re.search(pattern, said) for pattern in self._forgiven)]

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _signed_in(self, who: str) -> Any:
        if who not in self._cookies:
            context = self._browser.new_context(base_url=self._gateway.url)
            form = context.request.get("/admin/login/")
            token = TOKEN.search(form.text())
            assert token, form.text()
            fields = {"username": who, "password": PASSWORDS[who], "csrfmiddlewaretoken": token[1], "next": "/admin/"}
            answer = context.request.post("/admin/login/", form=fields, headers={"Referer": form.url})
            assert answer.ok, answer.text()
            assert "id_password" not in answer.text(), f"{who} could not sign in"
            self._cookies[who] = context.storage_state()
            context.close()
        return self._cookies[who]

    def _listen(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.heard.append(f"error: {error.error.stack}"))
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != urlsplit(self._gateway.url).netloc:
            self.heard.append(f"foreign origin: {request.url}")

    def _response(self, response: Response) -> None:
        if "/static/" in response.url and response.status >= 400:
            self.heard.append(f"static file: {response.status} {response.url}")


def tab_to(page: Page, target: Locator, most: int = 60) -> None:
    """Press Tab until ``target`` has the focus, as somebody without a mouse does."""
    for _ in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached by {most} Tabs: {target}")


def main_pages(gateway: RunningGateway) -> dict[str, str]:
    """The addresses of the main pages, with rows in them, by what they are."""

    def number(table: str, name: str) -> str:
        return str(gateway.rows(f"SELECT id FROM {table} WHERE name = '{name}'")[0]["id"])

    return {
        "dashboard": "/admin/",
        "providers": "/admin/providers/provider/",
        "provider": f"/admin/providers/provider/{number('providers_provider', 'north')}/change/",
        "endpoints": "/admin/routing/endpoint/",
        "models": "/admin/routing/publicmodel/",
        "model": f"/admin/routing/publicmodel/{number('routing_publicmodel', 'north-chat')}/change/",
        "categories": "/admin/routing/category/",
        "requests": "/admin/metrics/requestlog/",
        "explain": "/admin/explain/?model=compass",
        "playground": "/admin/playground/?model=north-chat&second=south-chat",
        "import": "/admin/import/",
        "person": "/admin/auth/user/1/change/",
        "revisions": "/admin/routing/configrevision/",
    }
