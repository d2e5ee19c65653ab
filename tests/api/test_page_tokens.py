"""The playground's way through a real gateway: its token, its stream, its record, its limits."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.browser_session import BrowserSession
from tests.running import RunningGateway, wait_for
from tests.switchboard import Switchboard, delta, stream, whole_stream

pytestmark = pytest.mark.gateway

CHAT, TOKEN = "/v1/chat/completions", "/admin/playground/token/"


class Playground:
    """What the page does: it signs in, fetches a token, asks with it, and looks the record up."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.jar = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        page = self.open("/admin/login/")[2].decode()
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        fields = {"username": "admin", "password": "admin-password-for-tests", "csrfmiddlewaretoken": token}
        self.open("/admin/login/?next=/admin/", urllib.parse.urlencode(fields).encode())

    def open(self, path: str, data: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
        """(status, headers, body)."""
        csrf = next((cookie.value for cookie in self.jar if cookie.name == "csrftoken"), "") or ""
        headers = {"Referer": self.gateway.url + path, "X-CSRFToken": csrf, **headers}
        try:
            with self.browser.open(urllib.request.Request(self.gateway.url + path, data, headers)) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def token(self) -> str:
        return str(json.loads(self.open(TOKEN, b"")[2])["token"])

    def ask(self, model: str, token: str, **headers: str) -> tuple[int, Any, bytes]:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": True}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        return self.open(CHAT, body, **headers)

    def record(self, number: str) -> dict[str, Any]:
        def there() -> Any:
            status, _, body = self.open(f"/admin/playground/record/{number}/")
            return json.loads(body) if status == 200 else None

        return dict(wait_for(there, "the record is told"))


def test_a_streamed_answer_is_recorded_as_the_users_own_and_its_figures_are_told(
    gateway: RunningGateway, switchboard: Switchboard, case: str
) -> None:
    switchboard.plug(f"primary-{case}", whole_stream("Hel", "lo"))
    playground = Playground(gateway)
    token = playground.token()
    for _ in range(4):  # whichever worker is asked knows the key that one of them has made
        status, headers, body = playground.ask(case, token)
        assert status == 200, body
        assert body.endswith(b"data: [DONE]\n\n")
    told = playground.record(headers["x-request-id"])
    assert (told["endpoint"], told["finish_reason"], told["tries"]) == (f"primary-{case}", "stop", 1)
    assert (told["prompt_tokens"], told["completion_tokens"], told["cost"]) == (3, 2, "0.000007")
    assert "/admin/metrics/requestlog/" in told["link"]
    row = gateway.records(4, f"route = '{case}'")[0]
    assert row["api_key"] == "playground-admin"
    assert token not in gateway.log


def test_stopping_cancels_the_upstream(gateway: RunningGateway, switchboard: Switchboard, case: str) -> None:
    switchboard.plug(f"primary-{case}", stream(delta("", role="assistant"), delta("begun"), end="open"))
    playground = Playground(gateway)
    token = playground.token()
    cookie = "; ".join(f"{one.name}={one.value}" for one in playground.jar)
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    body = json.dumps({"model": case, "messages": [{"role": "user", "content": "Hi"}], "stream": True})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Cookie": cookie}
    connection.request("POST", CHAT, body, headers)
    answer = connection.getresponse()
    while b"begun" not in answer.readline():
        pass
    number = answer.headers["x-request-id"]
    answer.close()
    connection.close()
    assert switchboard.left.wait(20)
    assert playground.record(number)["outcome"] == "cancelled"


def test_outside_of_its_session_a_token_is_nothing(gateway: RunningGateway, case: str) -> None:
    token = Playground(gateway).token()
    status, _, body = gateway.post(
        {"model": case, "messages": [{"role": "user", "content": "Hi"}]}, Authorization=f"Bearer {token}"
    )
    assert (status, json.loads(body)["error"]["code"]) == (401, "not_signed_in")
    assert Playground(gateway).ask(case, token, Origin="https://elsewhere.example")[0] == 403


def test_a_limit_that_is_put_on_the_key_holds_within_a_second(
    gateway: RunningGateway, switchboard: Switchboard, case: str
) -> None:
    switchboard.plug(f"primary-{case}", whole_stream("Hello"))
    playground = Playground(gateway)
    token = playground.token()
    pk = gateway.rows("SELECT id FROM routing_apikey WHERE name = 'playground-admin'")[0]["id"]
    operator = BrowserSession(gateway)
    operator.send(f"/admin/routing/apikey/{pk}/change/", "apikey_form", limit_requests="1", limit_window="3600")
    try:
        refused = wait_for(
            lambda: (answer := playground.ask(case, token))[0] == 429 and answer[2], "the limit holds", seconds=5
        )
        assert "playground-admin" in json.loads(refused)["error"]["message"]
    finally:
        operator.send(f"/admin/routing/apikey/{pk}/change/", "apikey_form", limit_requests="", limit_window="")
