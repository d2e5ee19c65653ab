"""What an operator's browser does to a running gateway's admin, without one: pages are read, their forms are sent."""

from __future__ import annotations

import http.cookiejar
import urllib.parse
import urllib.request
from types import SimpleNamespace

from tests.admin.browser_form import fields_of
from tests.running import RunningGateway


class BrowserSession:
    """Signed in as the first administrator."""

    def __init__(self, gateway: RunningGateway) -> None:
        self._url = gateway.url
        jar = http.cookiejar.CookieJar()
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.send("/admin/login/?next=/admin/", "login-form", username="admin", password="admin-password-for-tests")

    def send(self, path: str, form: str, **changes: str) -> str:
        """Fill in the form with the id ``form`` on the page at ``path``, send it, and read the page that follows."""
        page = self._browser.open(self._url + path).read()
        fields = fields_of(SimpleNamespace(content=page), form) | changes
        data = urllib.parse.urlencode(fields, doseq=True).encode()
        request = urllib.request.Request(self._url + path, data, {"Referer": self._url + path})
        return str(self._browser.open(request).read().decode())
