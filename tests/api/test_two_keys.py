"""A provider with two keys: what is wrong with the first no caller notices, and no worker tries it again for a while.

And a vendor that is added in the admin alone, with a key typed there, answers at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.browser_session import BrowserSession
from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply, whole_stream
from tests.upstream import Behaviour, Request

pytestmark = pytest.mark.gateway

HI = [{"role": "user", "content": "Hi"}]
FIRST, SECOND = "sk-first-4711-not-to-be-seen", "sk-second-0815-not-to-be-seen"
REST = 600

FAULTS: dict[str, tuple[Behaviour, int]] = {
    "unknown": (reply({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, 401), 401),
    "unpaid": (reply({"error": {"message": "Payment required"}}, 402), 402),
    "forbidden": (reply({"error": {"message": "This key may not use the API.", "type": "permission"}}, 403), 403),
    "spent": (reply({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, 429), 429),
    "invalid": (reply({"error": {"message": "API key not valid. Please pass a valid API key."}}, 400), 400),
}
NAMES = [*FAULTS, "streamed", "limited", "both", "chatty"]


class KeyBoard(Switchboard):
    """Answers by the key that a request brings."""

    def plug_key(self, name: str, secret: str, behaviour: Behaviour) -> None:
        self.plug(f"{name} Bearer {secret}", behaviour)

    def _next(self, request: Request) -> Behaviour:
        name = f"{request.target.split('/')[1]} {request.headers.get('authorization')}"
        script = self._scripts.get(name)
        return script[0] if script else super()._next(request)

    def keys_seen(self, name: str) -> list[str]:
        return [request.headers["authorization"].removeprefix("Bearer ") for request in self.seen(name)]


@pytest.fixture(scope="module")
def board() -> Iterator[KeyBoard]:
    with KeyBoard() as made:
        yield made


@pytest.fixture(scope="module")
def keyed(board: KeyBoard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    rows = {
        name: {
            "kind": "xai" if name == "chatty" else "openai-compatible",
            "base_url": board.base_url(name),
            "keys": [{"label": "first", "env": "FIRST_KEY"}, {"label": "second", "env": "SECOND_KEY"}],
            "models": {"m-1": {}},
        }
        for name in NAMES
    }
    config = yaml.safe_dump({"version": 1, "providers": rows})
    folder = tmp_path_factory.mktemp("keyed")
    with running_gateway(folder, config, workers=2, FIRST_KEY=FIRST, SECOND_KEY=SECOND) as running:
        yield running


def ask(gateway: RunningGateway, provider: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
    return gateway.post({"model": f"{provider}/m-1", "messages": HI, **more})


@pytest.mark.parametrize("name", FAULTS)
def test_the_second_key_answers_and_the_first_rests_at_every_worker(
    name: str, keyed: RunningGateway, board: KeyBoard
) -> None:
    fault, status = FAULTS[name]
    board.plug_key(name, FIRST, fault)
    board.plug_key(name, SECOND, reply(completion("Hello")))
    answered, headers, body = ask(keyed, name)
    assert (answered, headers["x-gateway-attempts"]) == (200, "2"), body
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
    assert board.keys_seen(name) == [FIRST, SECOND]

    def flagged() -> list[dict[str, Any]]:
        return keyed.rows(f"SELECT * FROM routing_keystate WHERE identity LIKE 'provider:{name}/first#%'")

    (state,) = wait_for(flagged, "the key is flagged where all workers see it")
    assert state["flagged_at"] is not None
    assert REST - 60 < state["rests_until"] - time.time() <= REST
    assert FIRST not in str(state)

    def spared() -> bool:
        before = len(board.keys_seen(name))
        assert {ask(keyed, name)[0] for _ in range(12)} == {200}
        return FIRST not in board.keys_seen(name)[before:]

    wait_for(lambda: spared() and spared() and spared(), "both workers leave the first key alone")
    query = f"SELECT outcome FROM metrics_attemptlog WHERE credential = '{name}/first' AND status = {status}"
    told = [row["outcome"] for row in wait_for(lambda: keyed.rows(query), "the record tells of the refused key")]
    assert told in (["credential_rejected"], ["credential_rejected"] * 2)  # each worker may learn it by itself
    assert keyed.rows(f"SELECT DISTINCT outcome FROM metrics_requestlog WHERE provider = '{name}'") == [
        {"outcome": "success"}
    ]


def test_a_stream_comes_from_the_second_key(keyed: RunningGateway, board: KeyBoard) -> None:
    board.plug_key("streamed", FIRST, FAULTS["unknown"][0])
    board.plug_key("streamed", SECOND, whole_stream("Hel", "lo"))
    status, _, body = ask(keyed, "streamed", stream=True)
    assert status == 200
    assert body.endswith(b"data: [DONE]\n\n")
    assert b"Hel" in body


def test_a_limited_key_rests_as_long_as_it_was_told(keyed: RunningGateway, board: KeyBoard) -> None:
    board.plug_key("limited", FIRST, reply({"error": {"message": "Slow down"}}, 429, Retry_After="30"))
    board.plug_key("limited", SECOND, reply(completion("Hello")))
    assert ask(keyed, "limited")[0] == 200
    query = "SELECT * FROM routing_keystate WHERE identity LIKE 'provider:limited/first#%'"
    (state,) = wait_for(lambda: keyed.rows(query), "the key's rest is shared")
    assert 20 < state["rests_until"] - time.time() <= 30


def test_two_refused_keys_are_never_the_callers_own_fault(keyed: RunningGateway, board: KeyBoard) -> None:
    for secret in (FIRST, SECOND):
        board.plug_key("both", secret, reply({"error": {"message": f"Incorrect API key: {secret}"}}, 401))
    for _ in range(2):
        status, headers, body = ask(keyed, "both")
        assert status == 503, body
        error = json.loads(body)["error"]
        assert "api_key" not in str(error["code"])
        assert FIRST not in str(error) + str(headers)
        assert SECOND not in str(error) + str(headers)
    assert FIRST not in keyed.log
    assert SECOND not in keyed.log


def test_a_long_list_of_what_was_left_out_still_fits_a_header(keyed: RunningGateway, board: KeyBoard) -> None:
    board.plug_key("chatty", FIRST, reply(completion("Hello")))
    messages = [{"role": "user", "name": "ada", "content": "Hi"}] * 900
    header = ask(keyed, "chatty", messages=messages)[1]["x-gateway-dropped-params"]
    assert header.startswith("messages[0].name,messages[1].name,")
    assert header.endswith(",...")
    assert len(header) < 2100


def test_a_vendor_that_is_added_in_the_admin_alone_answers(keyed: RunningGateway, board: KeyBoard) -> None:
    secret = "sk-typed-in-the-admin-0123456789-abcdef"
    board.plug_key("novel", secret, reply(completion("Hello from the new one")))
    browser = BrowserSession(keyed)
    key = {"keys-TOTAL_FORMS": "1", "keys-0-label": "main", "keys-0-secret": secret, "keys-0-enabled": "on"}
    page = browser.send(
        "/admin/providers/provider/add/",
        "provider_form",
        name="novel",
        kind="openai-compatible",
        base_url=board.base_url("novel"),
        **key,
    )
    assert "novel" in page
    assert secret not in page
    _, _, body = wait_for(lambda: (got := ask(keyed, "novel"))[0] == 200 and got, "the new vendor answers", 5)
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello from the new one"
    assert set(board.keys_seen("novel")) == {secret}
    assert keyed.rows("SELECT origin, actor FROM routing_configrevision ORDER BY number DESC LIMIT 1") == [
        {"origin": "admin", "actor": "admin"}
    ]
