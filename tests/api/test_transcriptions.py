"""Speech from the official client to an upstream and back; what becomes of the file when something goes wrong."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml
from openai import OpenAI

from tests.running import RunningGateway, running_gateway, wait_for
from tests.switchboard import DONE, Switchboard, event, reply, stream
from tests.upstream import Request, silent

pytestmark = pytest.mark.gateway

MB = 1 << 20
SOUND = random.Random(7).randbytes(20 * MB)
USAGE = {"type": "tokens", "input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
SPEECH = "automatic-speech-recognition"
CASES = [f"case{number}" for number in range(30)]


class Resetting:
    """A server that reads some of a request and resets the connection."""

    def __enter__(self) -> Resetting:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.times = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.times += 1
            with sock:
                left = MB
                while left > 0 and (piece := sock.recv(65536)):
                    left -= len(piece)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture(scope="module")
def resetting() -> Iterator[Resetting]:
    with Resetting() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(
    switchboard: Switchboard, resetting: Resetting, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    endpoints: dict[str, Any] = {"resetting": {"provider": "acme", "upstream_model": "m-1", "base_url": resetting.url}}
    models: dict[str, Any] = {}
    for case in CASES:
        for role in ("first", "second"):
            base_url = switchboard.base_url(f"{role}-{case}")
            endpoints[f"{role}-{case}"] = {"provider": "acme", "upstream_model": "m-1", "base_url": base_url}
        models[case] = {"type": SPEECH, "entries": [{"endpoint": f"{role}-{case}"} for role in ("first", "second")]}
    models["reset"] = {"type": SPEECH, "entries": [{"endpoint": "resetting"}, {"endpoint": "second-case0"}]}
    ears = {"ears": {"type": SPEECH}, "mouth": {"type": "text-generation"}}
    acme = {"kind": "openai-compatible", "base_url": switchboard.base_url("acme"), "keyless": True, "models": ears}
    deaf = {"kind": "perplexity", "base_url": switchboard.base_url("deaf"), "keyless": True, "models": {"sonar": {}}}
    config = {"version": 1, "providers": {"acme": acme, "deaf": deaf}, "endpoints": endpoints, "models": models}
    with running_gateway(tmp_path_factory.mktemp("gateway"), yaml.safe_dump(config), workers=1) as running:
        yield running


_free = iter(CASES[1:])


@pytest.fixture
def case() -> str:
    return next(_free)


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=60) as made:
        yield made


def parts_of(request: Request) -> list[tuple[str, bytes]]:
    """A form as it arrived: head and content of each part."""
    boundary = b"--" + request.headers["content-type"].split("boundary=")[1].encode()
    pieces = [piece.split(b"\r\n\r\n", 1) for piece in request.body.split(boundary)[1:-1]]
    return [(head.decode().strip(), content.removesuffix(b"\r\n")) for head, content in pieces]


def open_files(gateway: RunningGateway) -> list[str]:
    """Files without a name that the worker holds: spooled uploads."""
    (pid,) = gateway.worker_pids()
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(link))
        except FileNotFoundError:
            continue
    return [link for link in links if link.endswith("(deleted)") and "/wgunicorn-" not in link]


def peak(gateway: RunningGateway) -> int:
    """The most memory the worker ever had, in bytes."""
    (pid,) = gateway.worker_pids()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def form(*parts: tuple[str, bytes], boundary: str = "frontier", end: str = "--\r\n") -> tuple[bytes, str]:
    """Parts by their content disposition."""
    lines = [
        f"--{boundary}\r\nContent-Disposition: {head}\r\n\r\n".encode() + content + b"\r\n" for head, content in parts
    ]
    return b"".join(lines) + f"--{boundary}{end}".encode(), f"multipart/form-data; boundary={boundary}"


def post(gateway: RunningGateway, *parts: tuple[str, bytes], **more: str) -> tuple[int, dict[str, Any]]:
    body, media_type = form(*parts, **more)
    status, _, raw = gateway.post(body, "/v1/audio/transcriptions", **{"Content-Type": media_type})
    return status, json.loads(raw)


MODEL = ('form-data; name="model"', b"acme/ears")
FILE = ('form-data; name="file"; filename="a.mp3"', b"sound")


def test_a_whole_answer_and_its_record(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"first-{case}", reply({"text": "Hello", "usage": USAGE}))
    heard = client.audio.transcriptions.create(
        model=case, file=('ré"u\nnion.mp3', b"sound", "audio/mpeg"), language="fr", timestamp_granularities=["word"],
    )  # fmt: skip
    assert heard.text == "Hello"
    (sent,) = switchboard.seen(f"first-{case}")
    assert sent.target.endswith("/audio/transcriptions")
    assert parts_of(sent) == [
        ('Content-Disposition: form-data; name="model"', b"m-1"),
        ('Content-Disposition: form-data; name="language"', b"fr"),
        ('Content-Disposition: form-data; name="timestamp_granularities[]"', b"word"),
        (
            'Content-Disposition: form-data; name="file"; filename="ré%22u%0Anion.mp3"\r\nContent-Type: audio/mpeg',
            b"sound",
        ),
    ]
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert (row["operation"], row["outcome"], row["endpoint"]) == ("transcription", "success", f"first-{case}")
    assert (row["prompt_tokens"], row["completion_tokens"], row["usage_source"]) == (3, 2, "vendor")


def test_seconds_are_no_tokens_and_cost_nobody_knows(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"first-{case}", reply({"text": "Hello", "usage": {"type": "duration", "seconds": 9}}))
    heard = client.audio.transcriptions.create(model=case, file=("a.mp3", b"sound"))
    assert heard.usage is not None
    assert heard.usage.type == "duration"
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert (row["prompt_tokens"], row["cost"], row["usage_source"], row["outcome"]) == (None, None, "none", "success")


@pytest.mark.parametrize("wanted", ["text", "srt", "vtt"])
def test_text_files_come_as_text(wanted: Any, case: str, client: OpenAI, switchboard: Switchboard) -> None:
    switchboard.plug(f"first-{case}", reply(b"1\n00:00:00,000 --> 1\nHi\n", media="text/plain; charset=utf-8"))
    answer = client.audio.transcriptions.with_raw_response.create(
        model=case, file=("a.mp3", b"sound"), response_format=wanted
    )
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "1\n00:00:00,000 --> 1\nHi\n"


def test_an_empty_body_is_no_transcript_and_the_second_endpoint_is_asked(
    case: str, client: OpenAI, switchboard: Switchboard
) -> None:
    switchboard.plug(f"first-{case}", reply(b""))
    switchboard.plug(f"second-{case}", reply({"text": "Hello"}))
    answer = client.audio.transcriptions.create(model=case, file=("a.wav", SOUND[:9]))
    assert answer.text == "Hello"


def test_a_stream_whose_first_endpoint_dies_comes_whole_from_the_second(
    case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    said = [event({"type": "transcript.text.delta", "delta": word}) for word in ("Hel", "lo")]
    done = event({"type": "transcript.text.done", "text": "Hello", "usage": USAGE})
    switchboard.plug(f"first-{case}", stream(end="close"))
    switchboard.plug(f"second-{case}", stream(*said, done, DONE))
    events = list(client.audio.transcriptions.create(model=case, file=("a.mp3", b"sound"), stream=True))
    assert [heard.type for heard in events] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert "".join(heard.delta for heard in events if heard.type == "transcript.text.delta") == "Hello"
    (row,) = gateway.records(1, f"requested_model = '{case}'")
    assert (row["endpoint"], row["prompt_tokens"], row["outcome"]) == (f"second-{case}", 3, "success")


def test_a_cut_after_content_is_an_error_and_not_done(case: str, client: OpenAI, switchboard: Switchboard) -> None:
    said = event({"type": "transcript.text.delta", "delta": "Hel"})
    switchboard.plug(f"first-{case}", stream(said, end="close"))
    with pytest.raises(openai.APIError):
        list(client.audio.transcriptions.create(model=case, file=("a.mp3", b"sound"), stream=True))


@pytest.mark.parametrize("fault", ["503", "reset"])
def test_a_large_file_reaches_the_second_endpoint_whole_and_never_fills_the_memory(
    fault: str, case: str, client: OpenAI, gateway: RunningGateway, switchboard: Switchboard, resetting: Resetting
) -> None:
    switchboard.plug(f"first-{case}", reply({"error": {"message": "busy"}}, status=503))
    second = "second-case0" if fault == "reset" else f"second-{case}"
    switchboard.plug(second, reply({"text": "Hello"}))
    switchboard.plug("acme", reply({"text": "warm"}))
    client.audio.transcriptions.create(model="acme/ears", file=("a.mp3", b"sound"))
    before = peak(gateway)
    model = "reset" if fault == "reset" else case
    assert client.audio.transcriptions.create(model=model, file=("a.mp3", SOUND)).text == "Hello"
    (sent,) = switchboard.seen(second)
    (content,) = (content for head, content in parts_of(sent) if "filename" in head)
    assert hashlib.sha256(content).digest() == hashlib.sha256(SOUND).digest()
    assert resetting.times > 0 or fault == "503"
    assert peak(gateway) - before < len(SOUND) / 2
    assert open_files(gateway) == []


def test_a_form_sent_in_chunks_arrives(case: str, gateway: RunningGateway, switchboard: Switchboard) -> None:
    switchboard.plug(f"first-{case}", reply({"text": "Hello"}))
    body, media_type = form(('form-data; name="model"', case.encode()), (FILE[0], SOUND[: 3 * MB]))
    pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    headers = gateway.headers(**{"Content-Type": media_type})
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)) as connection:
        connection.request("POST", "/audio/transcriptions", pieces, headers, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"text": "Hello"})
    (sent,) = switchboard.seen(f"first-{case}")
    assert parts_of(sent)[-1][1] == SOUND[: 3 * MB]


def test_a_caller_who_leaves_while_sending_leaves_nothing(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    body, media_type = form(('form-data; name="model"', case.encode()), (FILE[0], SOUND[: 4 * MB]))
    with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
        caller.sendall(begun(gateway, media_type, len(body)) + body[: 3 * MB])
        wait_for(lambda: open_files(gateway), "the file is spooled to disk")
    wait_for(lambda: not open_files(gateway), "the spooled file is gone")
    assert switchboard.seen(f"first-{case}") == []
    (row,) = gateway.records(1, "operation = 'transcription' AND outcome = 'cancelled' AND endpoint = ''")
    assert row["status"] == 499


def test_a_caller_who_leaves_while_the_upstream_listens_cancels_it(
    case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"first-{case}", silent())
    body, media_type = form(('form-data; name="model"', case.encode()), (FILE[0], SOUND[: 2 * MB]))
    with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
        caller.sendall(begun(gateway, media_type, len(body)) + body)
        wait_for(lambda: switchboard.seen(f"first-{case}"), "the upstream was asked")
        assert len(open_files(gateway)) == 1
    assert switchboard.left.wait(1.0)
    wait_for(lambda: not open_files(gateway), "the spooled file is gone")
    assert switchboard.seen(f"second-{case}") == []


def begun(gateway: RunningGateway, media_type: str, length: int) -> bytes:
    return (
        f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("parts", "more", "param"),
    [
        ((MODEL,), {}, "file"),
        ((FILE,), {}, "model"),
        ((MODEL, FILE, FILE), {}, "file"),
        ((MODEL, FILE, ('form-data; name="voice"; filename="b.mp3"', b"x")), {}, "file"),
        ((MODEL, ('form-data; name="file"', b"sound")), {}, "file"),
        ((MODEL, ('form-data; name="file"; filename=".."', b"sound")), {}, "file"),
        ((MODEL, ('form-data; name="file"; filename="a.mp3"', b"")), {}, "file"),
        ((MODEL, MODEL, FILE), {}, "model"),
        ((MODEL, FILE, ('form-data; name="temperature"', b"hot")), {}, "temperature"),
        ((MODEL, FILE), {"end": ""}, None),
        ((MODEL, FILE), {"boundary": "x" * 300}, None),
        ((MODEL, FILE, *((f'form-data; name="f{n}"', b"x") for n in range(200))), {}, None),
        ((MODEL, FILE, *((f'form-data; name="f{n}"; filename="f"', b"x") for n in range(200))), {}, "file"),
        ((MODEL, (f'form-data; name="file"; filename="{"x" * 5000}"', b"sound")), {}, None),
    ],
)
def test_a_wrong_form_is_refused_by_name(
    parts: Any, more: dict[str, str], param: str | None, gateway: RunningGateway
) -> None:
    status, body = post(gateway, *parts, **more)
    assert (status, body["error"]["param"]) == (400, param), body
    assert open_files(gateway) == []


@pytest.mark.parametrize("filename", ["../../etc/passwd", "C:\\temp\\a.mp3", "naïve 音.mp3", "a;b=c.mp3", "%0d%0aX: y"])
def test_a_file_is_known_by_its_last_name_alone(
    filename: str, case: str, gateway: RunningGateway, switchboard: Switchboard
) -> None:
    switchboard.plug(f"first-{case}", reply({"text": "Hello"}))
    disposition = 'form-data; name="file"; filename="' + filename.replace("\\", "\\\\") + '"'
    assert post(gateway, ('form-data; name="model"', case.encode()), (disposition, b"sound"))[0] == 200
    (sent,) = switchboard.seen(f"first-{case}")
    head = parts_of(sent)[-1][0]
    last = filename.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    assert head.splitlines()[0] == f'Content-Disposition: form-data; name="file"; filename="{last}"'
    assert len(head.splitlines()) == 2


@pytest.mark.parametrize("media_type", ["application/json", "multipart/form-data", "multipart/mixed; boundary=x", ""])
def test_a_body_that_is_no_form_is_refused(media_type: str, gateway: RunningGateway) -> None:
    status, _, raw = gateway.post(b'{"model": "m"}', "/v1/audio/transcriptions", **{"Content-Type": media_type})
    assert status == 400
    assert "form" in json.loads(raw)["error"]["message"]


def test_a_file_that_is_too_large_is_refused(gateway: RunningGateway) -> None:
    with (
        pytest.raises(openai.APIStatusError) as caught,
        OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=60) as client,
    ):
        client.audio.transcriptions.create(model="acme/ears", file=("a.mp3", SOUND + SOUND))
    assert caught.value.status_code == 413
    assert open_files(gateway) == []


def test_a_model_of_another_type_is_named_with_the_right_path(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(model="acme/mouth", file=("a.mp3", b"sound"))
    assert (caught.value.param, caught.value.code) == ("model", "unsupported_operation")
    assert "is of type text-generation (text generation): it is not served at" in caught.value.message
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="acme/ears", messages=[{"role": "user", "content": "Hi"}])
    assert "/v1/audio/transcriptions" in caught.value.message


def test_a_vendor_that_hears_nothing_says_so(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(model="deaf/sonar", file=("a.mp3", b"sound"))
    assert caught.value.code == "unsupported_operation"
