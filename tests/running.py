"""A real gateway for tests: prepared in a folder of its own, configured from YAML text, served by gunicorn workers."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Prepared:
    """The data directory of a gateway that was prepared and has never run, and its configuration."""

    data: Path
    document: str


_prepared: list[Prepared] = []
# What ``prepare`` writes depends on these alone.
TELLING = {"DATABASE_URL", "SECRET_KEY", "GATEWAY_ENCRYPTION_KEYS", "GATEWAY_API_KEY", "GATEWAY_ADMIN_PASSWORD"}
TELLING |= {"ROUTER_SERVICES", "BACKEND_TYPE", "USE_ROUTER", "OLLAMA_BASE_URL"}
KEY = "sk-test-0123456789abcdef0123456789abcdef"


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first true value of ``condition()``; fails with ``what`` if there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class RunningGateway:
    """``url``, ``key``; ``manage`` runs a command beside it; ``records`` reads what has been drained."""

    def __init__(self, folder: Path, config: str = "", workers: int = 2, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = KEY
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GATEWAY_IGNORE_DOTENV": "yes",
            "GATEWAY_DATA_DIR": str(folder / "data"),
            "GATEWAY_CONFIG_DIR": str(folder),
            "PORT": str(self.port),
            "WEB_CONCURRENCY": str(workers),
            "GATEWAY_API_KEY": KEY,
            "GATEWAY_ADMIN_PASSWORD": "admin-password-for-tests",
            "GATEWAY_GRACE_SECONDS": "10",
            "PYTHONWARNINGS": "default",
            **environment,
        }
        self.workers = workers
        self.plain = not environment.keys() & TELLING and not list(folder.glob("*.json"))
        self._prepare()
        if config:
            self.configure(config, fresh=self.plain)
        self.log_file = folder / "gateway.log"
        self._log = self.log_file.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway_project.wsgi"],
            cwd=ROOT, env=self.environment, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_for(self._healthy, f"the gateway answers /health/ready; its log:\n{self.log}")

    def _prepare(self) -> None:
        """``manage.py prepare``; once for all gateways of this process that differ in nothing that it writes."""
        data = self.folder / "data"
        if _prepared and self.plain:
            shutil.copytree(_prepared[0].data, data)
            return
        if _prepared and not (data / "static").exists():
            shutil.copytree(_prepared[0].data / "static", data / "static")
        self.manage("prepare")
        if not _prepared and self.plain:
            template = tempfile.mkdtemp(prefix="prepared-gateway-")
            atexit.register(shutil.rmtree, template, ignore_errors=True)
            shutil.copytree(data, Path(template) / "data")
            _prepared.append(Prepared(Path(template) / "data", self.manage("export_config")))

    def configure(self, config: str, fresh: bool = False) -> None:
        """Import a document on top of what is there, field by field. ``fresh``: that is what ``prepare`` installs."""
        document = yaml.safe_load(_prepared[0].document if fresh else self.manage("export_config"))
        for section, rows in yaml.safe_load(config).items():
            if section != "version":
                there = document.setdefault(section, {})
                there |= {name: there.get(name, {}) | row for name, row in rows.items()}
        file = self.folder / "config.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        self.manage("import_config", str(file))

    def manage(self, *arguments: str) -> str:
        """Output of ``manage.py …`` in this gateway's environment."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=110)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def _healthy(self) -> bool:
        assert self.process.poll() is None, f"the gateway ended: {self.log}"
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def worker_pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **more}

    def post(self, body: Any, path: str = "/v1/chat/completions", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """(status, headers in lower case, body) of one request; never raises for a status."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, raw, self.headers(**headers), method="POST")
        return self._open(request)

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self._open(urllib.request.Request(self.url + path, headers=self.headers(**headers)))

    def _open(self, request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers), error.read()

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of the gateway's own SQLite database."""
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "gateway.sqlite3", timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def records(self, count: int, where: str = "1") -> list[dict[str, Any]]:
        """At least ``count`` drained request records, oldest first."""
        query = f"SELECT * FROM metrics_requestlog WHERE {where} ORDER BY at, id"

        def enough() -> list[dict[str, Any]]:
            rows = self.rows(query)
            return rows if len(rows) >= count else []

        return list(wait_for(enough, f"{count} records where {where}"))

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Exit status after a signal."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        status = self.process.wait(30)
        self._log.close()
        return status


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextlib.contextmanager
def running_gateway(folder: Path, config: str = "", **options: Any) -> Iterator[RunningGateway]:
    """A ``RunningGateway`` that is stopped at the end."""
    gateway = RunningGateway(folder, config, **options)
    try:
        yield gateway
    finally:
        gateway.stop()
