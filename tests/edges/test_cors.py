"""Web pages of other origins: closed by default, opened by GATEWAY_CORS_ORIGINS, for the API alone."""

from __future__ import annotations

import http.client
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page

from gateway_project import cors
from tests.chromium import open_page
from tests.running import ROOT, RunningGateway, running_gateway
from tests.switchboard import Switchboard, completion, reply, whole_stream

pytestmark = pytest.mark.gateway

APP = "https://app.example.com"
HI = [{"role": "user", "content": "Hi"}]
CONSTRAINED = {"access-control-allow-credentials", "set-cookie"}


class Pages(http.server.BaseHTTPRequestHandler):
    """An empty page for every address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages() -> Iterator[list[str]]:
    """Two origins that serve an empty page: the first is allowed."""
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) for _ in range(2)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


def config(board: Switchboard) -> str:
    providers = {
        name: {"kind": "openai-compatible", "base_url": board.base_url(name), "keyless": True, "models": {"m": {}}}
        for name in ("fine", "busy", "bare")
    }
    providers["bare"] |= {"keyless": False}
    return yaml.safe_dump({"version": 1, "providers": providers})


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    with Switchboard() as made:
        made.plug("busy", reply({"error": {"message": "later"}}, status=429, Retry_After="7"))
        yield made


@pytest.fixture(scope="module")
def opened(board: Switchboard, pages: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(
        tmp_path_factory.mktemp("cors"), config(board), workers=1,
        GATEWAY_CORS_ORIGINS=f"https://App.Example.com/, {pages[0]}", GATEWAY_MAX_BODY_MB="1",
    ) as running:  # fmt: skip
        yield running


def ask(
    gateway: RunningGateway, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Without a key unless ``headers`` bring one."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def preflight(gateway: RunningGateway, path: str, origin: str = APP) -> tuple[int, dict[str, str], bytes]:
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    return ask(gateway, "OPTIONS", path, Origin=origin, **wanted)


def listed(headers: dict[str, str], name: str) -> set[str]:
    return {word.strip() for word in headers.get(name, "").split(",")}


def test_a_preflight_needs_no_key_and_names_what_callers_may_send(opened: RunningGateway) -> None:
    for path in ("/v1/chat/completions", "/v1/models", "/rerank", "/health"):
        status, headers, _ = preflight(opened, path)
        assert (status, headers["access-control-allow-origin"]) == (200, APP), path
        assert {"authorization", "content-type", "x-api-key", "x-request-id", "x-gateway-strict", "*"} <= listed(
            headers, "access-control-allow-headers"
        )
        assert {"GET", "POST"} <= listed(headers, "access-control-allow-methods")
        assert int(headers["access-control-max-age"]) > 0
        assert not CONSTRAINED & headers.keys()


def test_a_stream_and_every_error_can_be_read_by_the_page(opened: RunningGateway, board: Switchboard) -> None:
    board.plug("fine", whole_stream("Hello"))
    chat, key = "/v1/chat/completions", f"Bearer {opened.key}"

    def told(expected: int, path: str, body: object, authorization: str = key) -> dict[str, str]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, headers, _ = ask(opened, "POST", path, raw, Origin=APP, Authorization=authorization)
        assert (status, headers.get("access-control-allow-origin")) == (expected, APP)
        assert "origin" in headers["vary"].lower()
        assert not CONSTRAINED & headers.keys()
        own = {name for name in headers if name.startswith("x-") or name == "retry-after"} - {"x-accel-buffering"}
        assert own <= listed(headers, "access-control-expose-headers")
        return headers

    headers = told(200, chat, {"model": "fine/m", "messages": HI, "stream": True})
    assert headers["content-type"].startswith("text/event-stream")
    told(401, chat, {"model": "fine/m", "messages": HI}, "Bearer wrong")
    told(400, chat, {"model": "fine/m"})
    told(404, chat, {"model": "nothing", "messages": HI})
    told(404, "/v1/nowhere", {})
    told(413, chat, b"x" * (2 << 20))
    assert "retry-after" in told(429, chat, {"model": "busy/m", "messages": HI})
    told(503, chat, {"model": "bare/m", "messages": HI})


def test_other_origins_are_told_nothing_and_the_admin_speaks_to_none(opened: RunningGateway) -> None:
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"):
        for _, headers, _ in (preflight(opened, "/v1/models", origin), ask(opened, "GET", "/health", Origin=origin)):
            assert not [name for name in headers if name.startswith("access-control")], origin
    for path in ("/admin/", "/admin/login/", "/admin", "/static/gateway/icon.svg"):
        for _, headers, _ in (preflight(opened, path), ask(opened, "GET", path, Origin=APP)):
            assert not [name for name in headers if name.startswith("access-control")], path


def test_without_the_setting_no_page_may_call(board: Switchboard, tmp_path: Path) -> None:
    with running_gateway(tmp_path, config(board), workers=1) as closed:
        status, headers, _ = preflight(closed, "/v1/chat/completions")
        assert status != 200
        assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(("allowed", "stranger"), [(APP, 403), ("*", 200)])
def test_where_no_key_is_needed_only_pages_of_these_origins_may_call(
    board: Switchboard, tmp_path: Path, allowed: str, stranger: int
) -> None:
    board.plug("fine", reply(completion()))
    body = json.dumps({"model": "fine/m", "messages": HI}).encode()
    with running_gateway(
        tmp_path, config(board), workers=1, GATEWAY_AUTH="off", GATEWAY_CORS_ORIGINS=allowed
    ) as trusting:
        for origin, expected in ((APP, 200), ("https://evil.example", stranger)):
            status, headers, _ = ask(trusting, "POST", "/v1/chat/completions", body, Origin=origin)
            may_read = headers.get("access-control-allow-origin") in (origin, "*")
            assert (status, may_read) == (expected, expected == 200)
            assert not CONSTRAINED & headers.keys()


def test_every_header_that_the_gateway_reads_or_writes_is_named() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "gateway_project/api").rglob("*.py"))
    read = {name.lower().replace("_", "-") for name in re.findall(r"HTTP_(X_GATEWAY_[A-Z_]+)", source)}
    assert len(read) > 5
    assert read <= set(cors.ACCEPTED)
    written = set(re.findall(r'"(x-(?:gateway|request|should)-[a-z-]+)"', source)) - read
    assert len(written) > 5
    assert written <= set(cors.TOLD)


ASK = """async ([url, key]) => {
  const answer = await fetch(url + "/v1/chat/completions", {
    method: "POST",
    headers: {"Authorization": "Bearer " + key, "Content-Type": "application/json", "X-Stainless-Lang": "js"},
    body: JSON.stringify({model: "fine/m", messages: [{role: "user", content: "Hi"}], stream: true}),
  });
  return [answer.status, answer.headers.get("x-gateway-provider"), await answer.text()];
}"""


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def test_a_real_browser_streams_for_one_origin_and_refuses_another(
    browser_page: Page, opened: RunningGateway, board: Switchboard, pages: list[str]
) -> None:
    board.plug("fine", whole_stream("Hello", " you"))
    browser_page.goto(pages[0])
    status, provider, text = browser_page.evaluate(ASK, [opened.url, opened.key])
    assert (status, provider) == (200, "fine")
    assert text.rstrip().endswith("data: [DONE]")
    assert browser_page.evaluate(ASK, [opened.url, "wrong"])[0] == 401, "an error can be read, too"
    seen = len(board.seen("fine"))
    browser_page.goto(pages[1])
    with pytest.raises(Exception, match="Failed to fetch"):
        browser_page.evaluate(ASK, [opened.url, opened.key])
    assert len(board.seen("fine")) == seen
