"""One upstream, one gateway and one browser for all; each test has pages of its own, none of which may complain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser

from tests.browser.people import add_people
from tests.browser.visits import PASSWORDS, Visits
from tests.chromium import open_browser
from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard, completion, reply

NAMES = ("north", "south")


@pytest.fixture(scope="package")
def board() -> Iterator[Switchboard]:
    """The upstreams ``north`` and ``south``, which say where they are."""
    with Switchboard() as made:
        yield made


@pytest.fixture(autouse=True)
def _whole_answers(board: Switchboard) -> None:
    for name in NAMES:
        board.plug(name, reply(completion(f"from {name}")))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_browser() as made:
        yield made


@pytest.fixture(scope="package")
def gateway(browser: Browser, board: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Two workers, a password of the first start, a person of each role, and two providers."""
    folder = tmp_path_factory.mktemp("browser")
    with running_gateway(folder, configuration(board), workers=2, GATEWAY_ADMIN_PASSWORD="") as running:
        login = (folder / "data" / "first-login.txt").read_text()
        PASSWORDS["admin"] = login.split("Password:")[1].split()[0]
        add_people(running)
        yield running


def configuration(board: Switchboard) -> str:
    """Providers ``north`` and ``south`` with an endpoint and a model each, and a category that prefers the north.

    The models ``first-watch``, ``second-watch`` and the category ``sails`` are there to be changed.
    """
    document: dict[str, Any] = {"version": 1, "providers": {}, "endpoints": {}, "models": {}}
    for name in NAMES:
        document["providers"][name] = {
            "kind": "openai-compatible",
            "base_url": board.base_url(name),
            "keyless": True,
            "models": {f"{name}-large": {"prices": [{"input": "1", "output": "2"}]}},
        }
        document["endpoints"][name] = {"provider": name, "upstream_model": f"{name}-large"}
        document["models"][f"{name}-chat"] = {"entries": [{"endpoint": name}]}
    document["models"] |= {f"{turn}-watch": {"entries": [{"endpoint": "south"}]} for turn in ("first", "second")}
    document["categories"] = {
        name: {"keywords": [keyword], "entries": [{"endpoint": place} for place in NAMES]}
        for name, keyword in (("compass", "wind rose"), ("sails", "topgallant"))
    }
    return yaml.safe_dump(document, sort_keys=False)


@pytest.fixture(scope="package")
def cookies() -> dict[str, Any]:
    return {}


@pytest.fixture
def visits(browser: Browser, gateway: RunningGateway, cookies: dict[str, Any]) -> Iterator[Visits]:
    """Pages of this test; it fails if the console of one names an error, or a page asks another host."""
    made = Visits(browser, gateway, cookies)
    yield made
    made.close()
    assert made.complaints == []
