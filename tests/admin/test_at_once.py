"""Two operators who save the same form at the same moment, in real transactions of a running gateway."""

from __future__ import annotations

import re
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from tests.admin.browser_form import fields_of
from tests.browser_session import BrowserSession
from tests.running import RunningGateway, running_gateway

CONFIG = """
version: 1
models: {turbo: {}}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningGateway]:
    if request.param == "sqlite":
        with running_gateway(tmp_path, CONFIG) as running:
            yield running
        return
    url, name = request.getfixturevalue("postgres_url"), f"at_once_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            own = {"DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}")), "SECRET_KEY": "k" * 50}
            own["GATEWAY_ENCRYPTION_KEYS"] = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
            with running_gateway(tmp_path, CONFIG, **own) as running:
                yield running
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Operator:
    """A signed-in browser that has opened the form of a row and filled it in, and has yet to send it."""

    def __init__(self, gateway: RunningGateway, path: str, description: str) -> None:
        self.session = BrowserSession(gateway)
        self.url = gateway.url + path
        page = self.session._browser.open(self.url).read()
        self.fields = fields_of(SimpleNamespace(content=page), "publicmodel_form") | {"description": [description]}

    def save(self) -> str:
        data = urllib.parse.urlencode(self.fields, doseq=True).encode()
        request = urllib.request.Request(self.url, data, {"Referer": self.url})
        return str(self.session._browser.open(request).read().decode())


@pytest.mark.gateway
def test_of_two_who_save_at_the_same_moment_one_is_told(gateway: RunningGateway) -> None:
    listed = BrowserSession(gateway)._browser.open(f"{gateway.url}/admin/routing/publicmodel/?q=turbo").read().decode()
    path = re.search(r"/admin/routing/publicmodel/\d+/change/", listed)
    assert path
    operators = [Operator(gateway, path[0], name) for name in ("one", "two")]
    begin, pages = threading.Barrier(2), []

    def save(operator: Operator) -> None:
        begin.wait(30)
        pages.append(operator.save())

    threads = [threading.Thread(target=save, args=(operator,)) for operator in operators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [("since you opened it" in page) for page in sorted(pages, key=len)].count(True) == 1
    assert len([page for page in pages if "was changed successfully" in page]) == 1
