"""Prompts and answers on disk: none without a key that asks for it, and only redacted ones with it."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.running import KEY, RunningGateway, running_gateway, wait_for
from tests.switchboard import DONE, Switchboard, completion, delta, reply, stream, whole_stream

PROMPT = "canary-prompt-4711"
ANSWER = "canary-answer-0815"
SECRET = "a.b@canary.example"
LOGGING = "sk-test-logging-0123456789abcdef0123456789"
HI = [{"role": "user", "content": f"{PROMPT} of {SECRET}"}]
MAKE_KEY = f"""
from routing.models import ApiKey
key = ApiKey(name="logging", log_content="on"); key.set_key("{LOGGING}"); key.save()
"""
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    with Switchboard() as made:
        yield made


@pytest.fixture(scope="module")
def gateway(board: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    providers = {
        name: {"kind": "openai-compatible", "keyless": True, "models": {"m-1": {}}, "base_url": board.base_url(name)}
        for name in ("first", "second")
    }
    endpoints = {name: {"provider": name, "upstream_model": "m-1", "retries": 0} for name in providers}
    models = {"chain": {"entries": [{"endpoint": "first"}, {"endpoint": "second"}]}}
    config = yaml.safe_dump({"version": 1, "providers": providers, "endpoints": endpoints, "models": models})
    with running_gateway(tmp_path_factory.mktemp("content"), config) as running:
        running.manage("shell", "-c", MAKE_KEY)
        wait_for(lambda: running.get("/v1/models", Authorization=f"Bearer {LOGGING}")[0] == 200, "the new key works")
        yield running


def asked(gateway: RunningGateway, key: str, **body: Any) -> tuple[int, str]:
    """(status, our id) of a request that is drained by then."""
    name = uuid.uuid4().hex
    status = gateway.post({"model": "chain", "messages": HI, **body}, CHAT, **{
        "Authorization": f"Bearer {key}", "x-request-id": name
    })[0]  # fmt: skip
    (row,) = gateway.records(1, f"request_id = '{name}'")
    return status, row["id"]


def content(gateway: RunningGateway, identifier: str) -> dict[str, Any]:
    query = f"SELECT * FROM metrics_requestcontent WHERE id = '{identifier}'"
    (row,) = wait_for(lambda: gateway.rows(query), f"the content of {identifier}")
    return dict(row)


def on_disk(folder: Path, text: str) -> list[str]:
    return [str(file) for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


@pytest.mark.gateway
def test_without_it_nothing_of_prompts_or_answers_is_on_disk(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("first", reply({"error": {"message": "busy"}}, status=503))
    board.plug("second", reply(completion(ANSWER)))
    assert asked(gateway, KEY)[0] == 200
    board.plug("second", whole_stream(ANSWER))
    assert asked(gateway, KEY, stream=True)[0] == 200
    assert asked(gateway, KEY, temperature="warm", top_p=1)[0] == 400
    board.plug("second", reply({"choices": ANSWER}))
    assert asked(gateway, KEY, top_p=0.5, seed=1, n=1)[0] == 503
    assert on_disk(gateway.folder, PROMPT) == []
    assert on_disk(gateway.folder, ANSWER) == []


@pytest.mark.gateway
def test_with_it_a_failed_over_answer_is_stored_redacted(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("first", reply({"error": {"message": "busy"}}, status=503))
    board.plug("second", reply(completion("Logged, dear a.b@canary.example")))
    status, identifier = asked(gateway, LOGGING)
    row = content(gateway, identifier)
    assert (status, row["api_key"], row["redactions"]) == (200, "logging", 2)
    assert json.loads(row["prompt"])["messages"] == [{"role": "user", "content": f"{PROMPT} of [email]"}]
    assert json.loads(row["answer"])["choices"][0]["message"]["content"] == "Logged, dear [email]"
    assert on_disk(gateway.folder, SECRET) == []


@pytest.mark.gateway
def test_with_it_a_stream_is_stored_put_together(gateway: RunningGateway, board: Switchboard) -> None:
    for name in ("first", "second"):
        board.plug(name, whole_stream("one ", "two ", "a.b@cana", "ry.example"))
    _, identifier = asked(gateway, LOGGING, stream=True)
    answer = json.loads(content(gateway, identifier)["answer"])
    assert answer == {"choices": [{"content": "one two [email]", "finish_reason": "stop"}]}
    assert on_disk(gateway.folder, SECRET) == []


@pytest.mark.gateway
def test_with_it_a_refused_request_leaves_its_prompt(gateway: RunningGateway) -> None:
    status, identifier = asked(gateway, LOGGING, temperature="warm")
    row = content(gateway, identifier)
    assert (status, row["answer"], PROMPT in row["prompt"]) == (400, "", True)


@pytest.mark.gateway
def test_with_it_a_caller_who_leaves_leaves_what_was_said_by_then(gateway: RunningGateway, board: Switchboard) -> None:
    for name in ("first", "second"):  # whichever is tried: earlier failures may have the other rest
        board.plug(name, stream(delta("", role="assistant"), delta("said by then"), end="open"))
    body = json.dumps({"model": "chain", "messages": HI, "stream": True}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {LOGGING}\r\nx-request-id: leaver\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
        caller.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        seen = b""
        while b"said by then" not in seen and (more := caller.recv(4096)):
            seen += more
    (row,) = gateway.records(1, "request_id = 'leaver'")
    assert row["outcome"] == "cancelled"
    assert json.loads(content(gateway, row["id"])["answer"]) == {"choices": [{"content": "said by then"}]}


@pytest.mark.gateway
def test_switching_it_off_is_heeded_at_once(gateway: RunningGateway, board: Switchboard) -> None:
    off = "from routing.models import ApiKey; k = ApiKey.objects.get(name='logging'); k.log_content = 'off'; k.save()"
    for name in ("first", "second"):
        board.plug(name, stream(delta("x"), delta(finish="stop"), DONE))
    gateway.manage("shell", "-c", off)
    (clock,) = gateway.rows("SELECT value FROM routing_configclock")

    def everywhere() -> bool:
        said = {gateway.get("/v1/models")[1]["x-gateway-generation"] for _ in range(8)}
        return said == {str(clock["value"])}

    wait_for(everywhere, "both workers serve the new configuration")
    _, identifier = asked(gateway, LOGGING, stream=True, seed=5)
    _, later = asked(gateway, KEY, stream=True, seed=6)
    gateway.records(1, f"id = '{later}'")
    assert gateway.rows(f"SELECT id FROM metrics_requestcontent WHERE id = '{identifier}'") == []
