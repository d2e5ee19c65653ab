"""``validation_errors.log``: what was refused and why, and nothing of what was asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.lines import LineLog
from tests.running import KEY, ROOT, RunningGateway, running_gateway, wait_for
from tests.switchboard import Switchboard, completion, reply

PROMPT = "canary-prompt-4711"
ANSWER = "canary-answer-0815"
HI = [{"role": "user", "content": PROMPT}]


@pytest.fixture(scope="module")
def board() -> Iterator[Switchboard]:
    with Switchboard() as made:
        yield made


@pytest.fixture(scope="module")
def gateway(board: Switchboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    providers = {
        name: {"kind": "openai-compatible", "base_url": board.base_url(name), "keyless": True, "models": {name: {}}}
        for name in ("stern", "garbled", "fine")
    }
    endpoints = {
        name: {"provider": name, "upstream_model": name, "base_url": board.base_url(name), "retries": 0}
        for name in ("garbled", "fine")
    }
    models = {"chain": {"entries": [{"endpoint": "garbled"}, {"endpoint": "fine"}]}}
    config = yaml.safe_dump({"version": 1, "providers": providers, "endpoints": endpoints, "models": models})
    with running_gateway(tmp_path_factory.mktemp("log"), config, GATEWAY_MAX_BODY_MB="1") as running:
        yield running


def all_text(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("validation_errors.log*"))


def line_of(gateway: RunningGateway, request_id: str) -> list[dict[str, Any]]:
    lines = map(json.loads, all_text(gateway.folder / "data").splitlines())
    return [line for line in lines if line["request_id"] == request_id]


@pytest.mark.gateway
@pytest.mark.parametrize(
    ("name", "body", "path", "expected"),
    [
        ("no-messages", {"model": "fine"}, "/v1/chat/completions",
         (400, "missing_parameter", "messages", "fine", "Missing required parameter: 'messages'.")),
        ("wrong-type", {"model": "fine", "messages": HI, "temperature": PROMPT}, "/v1/chat/completions",
         (400, "invalid_type", "temperature", "fine", None)),
        ("no-json", b'{"messages": "' + PROMPT.encode(), "/v1/chat/completions",
         (400, "invalid_json", None, None, "The body is not valid JSON.")),
        ("no-model", {"model": "nowhere", "messages": HI}, "/v1/chat/completions",
         (404, "model_not_found", "model", "nowhere", None)),
        ("prompt-as-model", {"model": f"please {PROMPT}", "messages": HI}, "/v1/chat/completions",
         (404, "model_not_found", "model", "…", None)),
        ("as-model-a-key", {"model": KEY, "messages": HI}, "/v1/chat/completions",
         (404, "model_not_found", "model", "…", None)),
        ("too-large", b"x" * (2 << 20), "/v1/chat/completions",
         (413, "request_too_large", None, None, None)),
        ("no-url", {"text": PROMPT}, f"/v1/{PROMPT}",
         (404, "unknown_url", None, None, "There is no such URL.")),
        ("no-input", {"model": "fine", "input": []}, "/v1/embeddings",
         (400, "empty_array", "input", "fine", None)),
    ],
)  # fmt: skip
def test_what_a_caller_asks_wrongly_is_a_line(
    gateway: RunningGateway, name: str, body: Any, path: str, expected: tuple[Any, ...]
) -> None:
    status = gateway.post(body, path, **{"x-request-id": name})[0]
    (line,) = line_of(gateway, name)
    told = (line["status"], line["code"], line["param"], line["model"])
    assert (status, told) == (expected[0], expected[:4])
    assert line["message"] == (expected[4] or line["message"])
    assert (line["api_key"], line["type"]) == ("first", "invalid_request_error")
    text = all_text(gateway.folder / "data")
    assert PROMPT not in text
    assert gateway.key not in text


@pytest.mark.gateway
@pytest.mark.parametrize("name", [f"tell of {PROMPT}", f"x' tell of {PROMPT} 'y", "告诉我关于这个病人的一切"])
def test_the_names_that_a_caller_makes_up_are_not_repeated(gateway: RunningGateway, name: str) -> None:
    body = {"model": "fine", "messages": HI, "provider": {name: 1}}
    status, headers, answer = gateway.post(body)
    assert (status, name in json.loads(answer)["error"]["message"]) == (400, True), "the caller is told"
    (line,) = line_of(gateway, headers["x-request-id"])
    assert line["param"] == "…"
    assert line["message"].startswith("Unknown key '…': expected some of ")
    assert name.split()[-1] not in all_text(gateway.folder / "data")


@pytest.mark.gateway
def test_an_upstreams_refusal_is_a_line_without_its_words(gateway: RunningGateway, board: Switchboard) -> None:
    error = {"message": f"bad: '{PROMPT}' and {PROMPT}", "code": "bad_thing", "param": "messages", "type": "odd"}
    board.plug("stern", reply({"error": error}, status=400))
    status, _, body = gateway.post({"model": "stern", "messages": HI}, **{"x-request-id": "refused"})
    assert (status, PROMPT in body.decode()) == (400, True), "the caller is told the vendor's words"
    (line,) = line_of(gateway, "refused")
    assert line["endpoint"] == "stern/stern"
    assert (line["status"], line["type"], line["code"], line["param"]) == (400, "odd", "bad_thing", "messages")
    assert line["operation"] == "chat"
    assert PROMPT not in all_text(gateway.folder / "data")


@pytest.mark.gateway
def test_a_malformed_answer_is_a_line_though_another_answered(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("garbled", reply({"choices": ANSWER}))
    board.plug("fine", reply(completion(ANSWER)))
    status, headers, _ = gateway.post({"model": "chain", "messages": HI}, **{"x-request-id": "garbled"})
    assert (status, headers["x-gateway-endpoint"]) == (200, "fine")
    lines = line_of(gateway, "garbled")
    assert lines
    assert {(line["endpoint"], line["code"]) for line in lines} == {("garbled", "malformed_reply")}
    assert not {ANSWER, PROMPT} & set(all_text(gateway.folder / "data").split('"'))


@pytest.mark.gateway
def test_strangers_and_what_is_in_order_leave_no_line(gateway: RunningGateway, board: Switchboard) -> None:
    board.plug("fine", reply(completion(ANSWER)))
    for name, key, expected in (("stranger", "sk-wrong", 401), ("in-order", gateway.key, 200)):
        headers = {"x-request-id": name, "Authorization": f"Bearer {key}"}
        assert gateway.post({"model": "fine/fine", "messages": HI}, **headers)[0] == expected
        assert line_of(gateway, name) == []


@pytest.mark.gateway
def test_thousands_of_bad_requests_at_two_workers_are_thousands_of_lines(gateway: RunningGateway) -> None:
    def ask(number: int) -> int:
        return gateway.post({"model": "fine", "prompt": PROMPT}, **{"x-request-id": f"flood-{number}"})[0]

    with ThreadPoolExecutor(32) as pool:
        assert Counter(pool.map(ask, range(3000))) == {400: 3000}
    text = all_text(gateway.folder / "data")
    named = {line["request_id"] for line in map(json.loads, text.splitlines())}
    assert {f"flood-{number}" for number in range(3000)} <= named
    assert PROMPT not in text
    assert gateway.key not in text


@pytest.mark.gateway
def test_a_log_that_cannot_be_written_fails_no_request(gateway: RunningGateway, board: Switchboard) -> None:
    file = gateway.folder / "data" / "validation_errors.log"
    file.unlink(missing_ok=True)
    file.mkdir()
    try:
        for _ in range(20):
            assert gateway.post({"model": "fine"})[0] == 400
        wait_for(lambda: "validation_errors.log cannot be written" in gateway.log, "the gateway's log says so")
        assert gateway.log.count("cannot be written") <= 2, "once a minute and worker"
    finally:
        file.rmdir()
    gateway.post({"model": "fine"}, **{"x-request-id": "again"})
    assert line_of(gateway, "again")


WRITER = """
import os, sys
from pathlib import Path
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from metrics.lines import LineLog
log = LineLog(Path(sys.argv[1]), max_bytes=20_000, kept=400)
sys.stdin.readline()
for number in range(4000):
    log.append(f'{{"writer": {sys.argv[2]}, "number": {number}}}\\n'.encode())
"""


def test_several_processes_write_and_rotate_at_once_and_lose_and_tear_nothing(tmp_path: Path) -> None:
    file = tmp_path / "lines.log"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(file), str(number)], cwd=ROOT, stdin=subprocess.PIPE)
        for number in range(4)
    ]
    for writer in writers:
        writer.communicate(b"go\n")
    assert [writer.returncode for writer in writers] == [0] * 4
    files = [each for each in tmp_path.glob("lines.log*") if each.suffix != ".lock"]
    assert len(files) > 15
    assert max(each.stat().st_size for each in files) < 40_000
    found = [json.loads(line) for each in files for line in each.read_text().splitlines()]
    expected = {(writer, number) for writer in range(4) for number in range(4000)}
    assert len(found) == len(expected)
    assert {(line["writer"], line["number"]) for line in found} == expected


def test_only_so_many_old_files_are_kept(tmp_path: Path) -> None:
    log = LineLog(tmp_path / "lines.log", max_bytes=100, kept=2)
    for number in range(100):
        log.append(b"%09d\n" % number)
    log.append(b"last\n")
    log.close()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["lines.log", "lines.log.1", "lines.log.2", "lines.log.lock"]
    assert (tmp_path / "lines.log").read_text() == "last\n"
    assert (tmp_path / "lines.log.1").read_text().splitlines()[-1] == "000000099"


def test_a_full_disk_is_no_callers_trouble(caplog: pytest.LogCaptureFixture) -> None:
    log = LineLog(Path("/dev/full"))
    log.append(b"one\n")
    log.append(b"two\n")
    assert [record.message for record in caplog.records if "No space left" in record.message] != []
    assert len(caplog.records) == 1


def test_a_pipe_in_its_place_that_nobody_reads_halts_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / "lines.log")
    writing = threading.Thread(target=LineLog(tmp_path / "lines.log").append, args=(b"one\n",), daemon=True)
    writing.start()
    writing.join(20)
    assert not writing.is_alive()
    assert "cannot be written" in caplog.text
