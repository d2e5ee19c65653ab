"""What users of the OVHcloud proxy have: its file beside the gateway, one token, alternatives that answer in order."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.running import RunningGateway, running_gateway
from tests.switchboard import Switchboard, completion, reply, whole_stream
from tests.upstream import Behaviour, Upstream, raw, silent

pytestmark = pytest.mark.gateway

TOKEN = "abcdefghij" + "k" * 49 + "12345"
MODELS = ("refused", "silent", "gone", "both", "none")
ENDPOINT = {"provider": "ovhcloud", "upstream_model": "silent", "headers_timeout": 0.5}


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    with Switchboard() as running:
        yield running


@pytest.fixture(scope="module")
def last() -> Iterator[Upstream]:
    """The last alternative of all models: a server whose URL has no path."""
    with Upstream(reply(completion("from the last"))) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(board: Switchboard, last: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("ovhcloud")
    listed = {model: [board.base_url("first"), last.url] for model in MODELS}
    (folder / "endpoints_config.json").write_text(json.dumps({"alternative_endpoints": listed}))
    config = json.dumps(
        {
            "providers": {
                "ovhcloud": {
                    "kind": "ovhcloud",
                    "base_url": board.base_url("primary"),
                    "keys": [{"label": "token", "env": "OVH_TOKEN_ENDPOINT"}],
                }
            },
            "endpoints": {"ovhcloud/silent": ENDPOINT},
        }
    )
    with running_gateway(folder, config, workers=3, OVH_TOKEN_ENDPOINT=TOKEN) as running:
        yield running


def ask(gateway: RunningGateway, model: str, **more: object) -> tuple[int, str, dict[str, str]]:
    body = {"model": model, "messages": [{"role": "user", "content": "Bonjour"}], **more}
    status, headers, answer = gateway.post(body)
    return status, answer.decode(), headers


def failure(status: int, message: str, **headers: str) -> Behaviour:
    return reply({"error": {"message": message, "code": status}}, status=status, **headers)


def test_while_the_primary_answers_nobody_else_is_asked(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("primary", reply(completion("from the primary")))
    before = len(board.seen("first"))
    status, answer, headers = ask(gateway, "none")
    assert (status, headers["x-gateway-endpoint"]) == (200, "ovhcloud/none"), answer
    assert "from the primary" in answer
    assert len(board.seen("first")) == before


@pytest.mark.parametrize(
    ("model", "primary"),
    [
        ("silent", silent()),
        ("gone", raw(end="reset")),
        ("refused", failure(401, "Unauthorized")),  # last: a key that was refused is left alone there for ten minutes
    ],
)
def test_when_the_primary_fails_the_first_alternative_answers(
    gateway: RunningGateway, board: Switchboard, model: str, primary: Behaviour
) -> None:
    board.plug("primary", primary)
    board.plug("first", reply(completion("from the first")))
    before, tried = len(board.seen("first")), len(board.seen("primary"))
    status, answer, headers = ask(gateway, model)
    assert status == 200, answer
    assert len(board.seen("primary")) > tried, "the provider's own URL is asked first"
    assert json.loads(answer)["choices"][0]["message"]["content"] == "from the first"
    assert headers["x-gateway-endpoint"] == f"ovhcloud/{model}/alternative-1"
    (sent,) = board.seen("first")[before:]
    assert (sent.target, sent.json["model"]) == ("/first/v1/chat/completions", model)
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("streamed", [False, True])
def test_when_the_first_alternative_fails_too_the_second_answers(
    gateway: RunningGateway, board: Switchboard, last: Upstream, streamed: bool
) -> None:
    board.plug("primary", failure(503, "maintenance"))
    board.plug("first", failure(403, "Forbidden"))
    last._script = [whole_stream("from the", " last") if streamed else reply(completion("from the last"))]
    before = len(last.requests)
    status, answer, headers = ask(gateway, "both", stream=streamed)
    assert status == 200, answer
    assert "from the" in answer
    assert headers["x-gateway-endpoint"] == "ovhcloud/both/alternative-2"
    (sent,) = last.requests[before:]
    assert sent.target == "/v1/chat/completions", "a URL without a path gets the usual one"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"


def test_the_start_tells_the_token_masked_and_the_alternatives(
    gateway: RunningGateway, board: Switchboard, last: Upstream
) -> None:
    log = gateway.log
    assert f"abcdefghij...12345 (length: {len(TOKEN)})" in log
    assert f"Alternative endpoints of none, in order: {board.base_url('first')}, {last.url}/v1" in log
    assert TOKEN not in log
