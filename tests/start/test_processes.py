"""The gateway as `make run` starts it: real processes, from prepare to the last signal."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.running import ROOT, free_port, wait_for

pytestmark = pytest.mark.gateway
SERVE = [sys.executable, "manage.py", "prepare", "--serve"]


class Terminal:
    """A process with a terminal for its output, in a session of its own as a shell gives it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            SERVE, cwd=ROOT, env=environment, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.shown = ""

    def until(self, text: str) -> str:
        """Everything shown so far, once ``text`` is part of it."""
        while text not in self.shown:
            try:
                piece = os.read(self.master, 4096).decode()
            except OSError:
                piece = ""
            assert piece, f"ended without {text!r}: {self.shown}"
            self.shown += piece.replace("\r\n", "\n")
        return self.shown

    def press_ctrl_c(self) -> None:
        """What a terminal does: the signal goes to every process of the group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "GATEWAY_IGNORE_DOTENV": "yes",
        "GATEWAY_DATA_DIR": str(tmp_path / "data"),
        "GATEWAY_GRACE_SECONDS": "10",
        "PORT": str(free_port()),
        "WEB_CONCURRENCY": "2",
    }


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Terminal]:
    started = Terminal(environment)
    yield started
    started.close()


def test_the_printed_curl_line_reaches_the_gateway_and_ctrl_c_ends_it(
    terminal: Terminal, environment: dict[str, str]
) -> None:
    shown = terminal.until("-d '{")
    url = f"http://127.0.0.1:{environment['PORT']}"
    assert f"Switchyard is ready at {url}" in shown
    assert f"Admin: {url}/admin/" in shown
    assert "OPENAI_API_KEY" in shown
    assert "make demo" in shown
    key = re.search(rf'curl {url}/v1/chat/completions -H "Authorization: Bearer (sk-sy-\S+)"', shown)
    assert key
    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        assert answer.status == 200
    listing = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {key[1]}"})
    with urllib.request.urlopen(listing, timeout=10) as answer:
        assert json.load(answer)["object"] == "list"
    environ = Path(f"/proc/{terminal.process.pid}/environ").read_bytes()
    assert key[1].encode() not in environ

    with socket.create_connection(("127.0.0.1", int(environment["PORT"]))) as at_rest:
        at_rest.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert at_rest.recv(4096).startswith(b"HTTP/1.1 200")
        terminal.press_ctrl_c()
        assert terminal.process.wait(9) == 0, "a connection at rest held the worker for the whole grace"


class HeldUpstream(BaseHTTPRequestHandler):
    """Streams one word, waits until it is let go, and finishes."""

    let_go = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.say({"role": "assistant", "content": "held"}, None)
        assert self.let_go.wait(60)
        self.say({"content": " and released"}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def say(self, delta: dict[str, str], finish: str | None) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "llama3.1"}
        line = json.dumps(chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        self.wfile.write(f"data: {line}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the output is the test's."""


@pytest.fixture
def upstream() -> Iterator[str]:
    HeldUpstream.let_go.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), HeldUpstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        HeldUpstream.let_go.set()
        server.shutdown()


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_stream_in_flight_finishes_after_ctrl_c(environment: dict[str, str], upstream: str) -> None:
    terminal = Terminal(
        environment | {"OLLAMA_BASE_URL": upstream, "GATEWAY_AUTH": "off", "GATEWAY_GRACE_SECONDS": "60"}
    )
    try:
        terminal.until("-d '{")
        port = int(environment["PORT"])
        body = {"model": "llama3.1", "messages": [{"role": "user", "content": "x"}], "stream": True}
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            shown = b""
            while b"held" not in shown:
                shown += answer.readline()
            terminal.press_ctrl_c()
            wait_for(lambda: refuses_connections(port), "no new connection is accepted")
            HeldUpstream.let_go.set()
            shown += answer.read()
        assert b" and released" in shown
        assert shown.endswith(b"data: [DONE]\n\n")
        assert terminal.process.wait(30) == 0
    finally:
        terminal.close()


def test_sigterm_ends_it_with_success_and_a_second_start_is_silent_about_the_key(environment: dict[str, str]) -> None:
    for start in (1, 2):
        with subprocess.Popen(SERVE, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            shown = ""
            while "-d '{" not in shown:
                line = process.stdout.readline()
                assert line, f"start {start} ended: {shown}"
                shown += line
            assert "sk-sy-" not in shown
            assert "first-login.txt" in shown
            process.terminate()
            assert process.wait(15) == 0


def test_a_taken_port_is_one_sentence_before_anything_is_made(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", int(environment["PORT"]))):
        for command in (SERVE, [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway_project.wsgi"]):
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
            sentence = "Port {PORT} on 127.0.0.1 is taken; set PORT in .env or stop what listens there."
            assert (done.returncode, done.stderr.strip()) == (2, sentence.format(**environment))
    assert not (tmp_path / "data" / "gateway.sqlite3").exists()


def test_gunicorn_says_a_wrong_setting_in_one_sentence(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway_project.wsgi"]
    wrong = environment | {"LOG_FORMAT": "xml"}
    done = subprocess.run(command, cwd=ROOT, env=wrong, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "LOG_FORMAT must be one of text, json.\n")


def test_the_master_loads_nothing_that_must_be_patched_by_gevent_first(environment: dict[str, str]) -> None:
    # django.db keeps its connections in a threading.local: made before the patch, all greenlets would share them.
    script = (
        "import runpy, sys; runpy.run_path('gunicorn.conf.py');"
        "print([name for name in ('urllib3', 'requests', 'psycopg', 'django.db') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_worker_that_is_killed_is_replaced(environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environment['PORT']}/health"

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    with subprocess.Popen(SERVE, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_for(healthy, "the gateway answers")
        workers = wait_for(lambda: children.read_text().split(), "workers")
        wait_for(lambda: len(children.read_text().split()) == 2, "both workers")
        os.kill(int(workers[0]), signal.SIGKILL)
        wait_for(lambda: len(set(children.read_text().split()) - {workers[0]}) == 2, "a new worker")
        assert healthy()
        process.terminate()
        assert process.wait(15) == 0
