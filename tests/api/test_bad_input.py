"""Nothing a caller sends takes a worker down; every error is one OpenAI error object that names the culprit."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import RunningGateway, running_gateway, wait_for

pytestmark = pytest.mark.gateway

CONFIG = """
version: 1
providers:
  nowhere: {kind: openai-compatible, base_url: "http://127.0.0.1:9/v1", keyless: true, models: {lost: {}}}
  seer: {kind: google, base_url: "http://127.0.0.1:9/v1beta", keyless: true, models: {look: {}}}
"""
HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), CONFIG, workers=1, GATEWAY_MAX_BODY_MB="1") as running:
        yield running


def error_of(body: bytes) -> dict[str, Any]:
    error = json.loads(body)["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    for name in ("param", "code"):
        assert error[name] is None or isinstance(error[name], str)
    assert "Traceback" not in body.decode()
    return dict(error)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe\x00binary", 400),
        (b'{"model": NaN}', 400),
        (b'{"model": "m", "seed": 1e999, "messages": []}', 400),
        (b'{"model": "\\ud800", "messages": []}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400),
        (b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "seed": ' + b"9" * 400 + b"}", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b'{"messages": [{"role": "user", "content": "x"}]}', 400),
        (b'{"model": "lost", "messages": []}', 400),
    ],
)
def test_junk_is_refused_and_the_worker_lives(gateway: RunningGateway, raw: bytes, status: int) -> None:
    (pid,) = gateway.worker_pids()
    answered, _, body = gateway.post(raw)
    assert answered == status
    error_of(body)
    assert gateway.worker_pids() == [pid]


def test_an_unknown_model_is_404_with_close_names(gateway: RunningGateway) -> None:
    status, _, body = gateway.post({"model": "nowhere/loost", "messages": HI})
    assert status in (404, 503)
    status, _, body = gateway.post({"model": "losst", "messages": HI})
    error = error_of(body)
    assert (status, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert error["message"].startswith("Model not found")
    assert "lost" in error["message"]


def test_a_missing_wrong_or_unscoped_key_is_refused(gateway: RunningGateway) -> None:
    for headers, status in (
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic abc"}, 401),
        ({"Authorization": "", "x-api-key": "wrong"}, 401),
    ):
        answered, told, body = gateway.post({"model": "lost", "messages": HI}, **headers)
        assert answered == status, headers
        assert told["www-authenticate"] == "Bearer"
        error_of(body)
    answered, _, _ = gateway.get("/v1/models", Authorization="", **{"x-api-key": gateway.key})
    assert answered == 200


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/v1/models/x", "/", "/v1/nothing", "/v1/chat/completions"])
def test_nothing_but_health_answers_without_a_key(gateway: RunningGateway, path: str) -> None:
    status, _, body = gateway.get(path, Authorization="")
    assert status == 401
    error_of(body)


def test_health_answers_without_a_key_and_a_browser_is_sent_to_the_admin(gateway: RunningGateway) -> None:
    assert gateway.get("/health", Authorization="")[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
    connection.request("GET", "/", headers={"Accept": "text/html,*/*"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (302, "/admin/")
    connection.close()


def test_the_root_answers_programs_under_any_host_name_as_the_rest_of_the_api_does(gateway: RunningGateway) -> None:
    for path in ("/", "/v1/models"):
        status, headers, _ = gateway.get(path, Host="gateway.internal:8000")
        assert (status, headers["content-type"]) == (200, "application/json"), path


def test_a_body_over_the_limit_is_413(gateway: RunningGateway) -> None:
    status, _, body = gateway.post({"model": "lost", "messages": [{"role": "user", "content": "x" * 2**20}]})
    assert (status, error_of(body)["code"]) == (413, "request_too_large")


def test_an_encoded_body_is_415(gateway: RunningGateway) -> None:
    status, _, body = gateway.post(b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    assert status == 415
    assert "gzip" in error_of(body)["message"]


def test_a_wrong_method_is_405_and_an_unknown_url_404(gateway: RunningGateway) -> None:
    status, headers, body = gateway.get("/v1/chat/completions")
    assert (status, error_of(body)["code"]) == (405, "method_not_supported")
    assert headers["allow"] == "POST"
    status, _, body = gateway.post({}, path="/v1/nothing")
    assert status == 404
    assert "/v1/nothing" in error_of(body)["message"]


def raw_exchange(gateway: RunningGateway, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        connection.sendall(request)
        pieces = b""
        while b"\r\n\r\n" not in pieces:
            piece = connection.recv(65536)
            if not piece:
                break
            pieces += piece
        return pieces


def head(gateway: RunningGateway, *lines: str) -> bytes:
    return "\r\n".join(
        ["POST /v1/chat/completions HTTP/1.1", "Host: x", f"Authorization: Bearer {gateway.key}", *lines, "", ""]
    ).encode()


def test_a_chunked_body_is_read_like_any_other(gateway: RunningGateway) -> None:
    body = json.dumps({"model": "losst", "messages": HI}).encode()
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7))
    answer = raw_exchange(gateway, head(gateway, "Transfer-Encoding: chunked") + pieces + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404")


def test_a_chunked_body_obeys_the_same_limit(gateway: RunningGateway) -> None:
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = raw_exchange(gateway, head(gateway, "Transfer-Encoding: chunked") + piece * 20 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_broken_chunk_is_400(gateway: RunningGateway) -> None:
    answer = raw_exchange(gateway, head(gateway, "Transfer-Encoding: chunked") + b"zz\r\nnonsense\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_half_sent_body_harms_nobody(gateway: RunningGateway) -> None:
    (pid,) = gateway.worker_pids()
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(head(gateway, "Content-Length: 1000") + b'{"model": "lost"')
    assert gateway.get("/health")[0] == 200
    assert gateway.worker_pids() == [pid]


def test_strangers_leave_no_records_and_callers_do(gateway: RunningGateway) -> None:
    gateway.post({"model": "stranger", "messages": HI}, Authorization="Bearer wrong")
    gateway.post({"model": "caller-with-key", "messages": HI})
    (row,) = gateway.records(1, "requested_model = 'caller-with-key'")
    assert (row["status"], row["error_code"], row["api_key"]) == (404, "model_not_found", "first")
    assert gateway.rows("SELECT 1 FROM metrics_requestlog WHERE requested_model = 'stranger'") == []


def test_the_callers_request_id_is_kept_if_sane(gateway: RunningGateway) -> None:
    _, told, _ = gateway.get("/v1/models", **{"x-request-id": "trace-42"})
    assert told["x-request-id"] == "trace-42"
    _, told, _ = gateway.get("/v1/models", **{"x-request-id": "bad id with spaces"})
    assert told["x-request-id"] != "bad id with spaces"
    assert len(told["x-request-id"]) == 26


def test_every_answer_carries_the_gateways_headers(gateway: RunningGateway) -> None:
    for _, told, _ in (gateway.get("/v1/models"), gateway.post(b"{"), gateway.get("/health"), gateway.get("/nothing")):
        assert {
            "x-request-id", "x-gateway-provider", "x-gateway-endpoint", "x-gateway-attempts",
            "x-gateway-generation", "x-gateway-overhead-ms",
        } <= set(told)  # fmt: skip


def test_a_slow_body_is_refused_after_its_time(gateway: RunningGateway) -> None:
    """The limit itself is 30 s; what matters here is that another caller is served meanwhile."""
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(head(gateway, "Content-Length: 100") + b"{")
        assert wait_for(lambda: gateway.get("/health")[0] == 200, "health beside a slow body")


@pytest.mark.parametrize("depth", [300, 900, 100_000])
def test_a_deeply_nested_body_is_400(depth: int, gateway: RunningGateway) -> None:
    nested = b"[" * depth + b"]" * depth
    status, _, body = gateway.post(b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "x": %b}' % nested)
    assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_picture_at_a_private_address_is_400_and_never_asked_for(streamed: bool, gateway: RunningGateway) -> None:
    said = set()
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.settimeout(0)
        port = inner.getsockname()[1]
        for host in (
            f"127.0.0.1:{port}",
            f"localhost:{port}",
            f"[::ffff:127.0.0.1]:{port}",
            "127.0.0.1:9",
            "x.invalid",
        ):
            part = {"type": "image_url", "image_url": {"url": f"https://{host}/a.png"}}
            asked = {"model": "look", "stream": streamed, "messages": [{"role": "user", "content": [part]}]}
            status, _, body = gateway.post(asked)
            error = json.loads(body)["error"]
            assert (status, error["param"]) == (400, "messages[0].content[0].image_url.url")
            said.add(error["message"])
        with pytest.raises(BlockingIOError):
            inner.accept()
    assert len(said) == 1
