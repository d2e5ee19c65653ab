"""wrk as the load: 32 connections for throughput, 1 for latency."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.nginx import LAST_CORE, pinned

SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
{auth}
wrk.body = '{{"model": "mock", "messages": [{{"role": "user", "content": "{prompt}"}}]}}'
"""
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one place: requests per second at 32 connections, latency at 1."""

    rps: float
    latency: Latency


def throughput(folder: Path, url: str, key: str, seconds: int) -> float:
    """Requests per second with 32 connections; a second of warm-up first."""
    _wrk(folder, url, key, 1, 32)
    return float(_find(r"Requests/sec:\s+([\d.]+)", _wrk(folder, url, key, seconds, 32)))


def latency(folder: Path, url: str, key: str, seconds: int) -> Latency:
    """Percentiles with one connection."""
    out = _wrk(folder, url, key, seconds, 1)
    return Latency(*(_milliseconds(_find(rf"(?m)^\s+{share}%\s+(\S+)", out)) for share in (50, 99)))


def _wrk(folder: Path, url: str, key: str, seconds: int, connections: int) -> str:
    script = folder / "post.lua"
    auth = f'wrk.headers["Authorization"] = "Bearer {key}"' if key else ""
    script.write_text(SCRIPT.format(auth=auth, prompt="Say something about the weather. " * 12))
    command = [
        *pinned(LAST_CORE),
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        str(script),
        f"{url}/v1/chat/completions",
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"The load met errors at {url}:\n{out}")
    return out


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk printed nothing like {pattern!r}:\n{text}")
    return found.group(1)


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]  # wrk's own format
    return float(number) * UNITS[unit]
