"""nginx twice: a mock upstream that answers at once (last core), and a plain proxy before it (core 0)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType

COMPLETION = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "mock",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "The quick brown fox jumps over the lazy dog. " * 6},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 24, "completion_tokens": 60, "total_tokens": 84},
}

CONFIG = """
daemon off; worker_processes 1; pid {folder}/{name}.pid; error_log {folder}/{name}.log; {user}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/{name}-body;
  proxy_temp_path {folder}/{name}-proxy; fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b;
  scgi_temp_path {folder}/c;
  {body}
}}
"""
MOCK = "server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{reply}'; }} }}"
PROXY = """
upstream mock {{ server 127.0.0.1:{mock}; keepalive 64; }}
server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://mock; proxy_http_version 1.1;
proxy_set_header Connection ""; }} }}
"""


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pinned(core: int) -> list[str]:
    """Command prefix that keeps a process on one core."""
    return ["taskset", "-c", str(core)]


LAST_CORE = max(os.sched_getaffinity(0))


class Nginx:
    """Both servers, running between ``__enter__`` and ``__exit__``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        mock, proxy = free_port(), free_port()
        self.mock_url = f"http://127.0.0.1:{mock}"
        self.proxy_url = f"http://127.0.0.1:{proxy}"
        self._start("mock", LAST_CORE, MOCK.format(port=mock, reply=json.dumps(COMPLETION)))
        self._start("proxy", 0, PROXY.format(port=proxy, mock=mock))

    def _start(self, name: str, core: int, body: str) -> None:
        user = "user root;" if os.geteuid() == 0 else ""
        config = self._folder / f"{name}.conf"
        config.write_text(CONFIG.format(folder=self._folder, name=name, body=body, user=user))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        errors = str(self._folder / f"{name}.log")
        self._processes.append(subprocess.Popen([*pinned(core), nginx, "-e", errors, "-c", str(config)]))

    def __enter__(self) -> Nginx:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
            process.wait(10)
