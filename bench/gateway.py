"""The gateway as it is run: prepared in a data directory of its own, gunicorn with one worker on core 0."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from bench.nginx import free_port, pinned

ROOT = Path(__file__).resolve().parent.parent
CONFIG = """
version: 1
providers:
  bench: {{kind: openai-compatible, base_url: "{mock}/v1", keyless: true, models: {{mock: {{}}}}}}
  bench-stream:
    kind: openai-compatible
    base_url: "http://127.0.0.1:{stream_port}/v1"
    keyless: true
    models: {{mock-stream: {{}}}}
"""


class Gateway:
    """Running between ``__enter__`` and ``__exit__``. ``pid`` is the worker's."""

    def __init__(self, folder: Path, mock_url: str) -> None:
        self.port, self.stream_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = "sk-bench-" + "0" * 32
        self._environment = {
            **os.environ,
            "GATEWAY_IGNORE_DOTENV": "yes",
            "GATEWAY_DATA_DIR": str(folder / "data"),
            "DATABASE_URL": "",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
            "GATEWAY_API_KEY": self.key,
        }
        self._manage("prepare")
        config = folder / "bench.yaml"
        config.write_text(CONFIG.format(mock=mock_url, stream_port=self.stream_port))
        self._manage("import_config", str(config))
        self._log = (folder / "gateway.log").open("wb")
        command = [*pinned(0), sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "gateway_project.wsgi"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdout=self._log, stderr=subprocess.STDOUT
        )
        self._await_health()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self.pid = int(children[0])

    def _manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def _await_health(self) -> None:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=1).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        raise SystemExit(f"The gateway did not start:\n{Path(self._log.name).read_text()}")

    def cpu_seconds(self) -> float:
        """CPU time the worker has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory of the worker."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def __enter__(self) -> Gateway:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._log.close()
