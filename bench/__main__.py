"""Measure requests per second, latency and streams; print the figures and their ratios in one table.

    python -m bench [--seconds 8] [--streams 300]

Core 0 runs what is measured (the gateway's one worker, nginx as a proxy); the last core runs the load and the mock
upstream. Ratios within one run are what counts: machines differ, and so do their moods.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from bench.gateway import Gateway
from bench.load import Figures, latency, throughput
from bench.nginx import Nginx
from bench.streams import StreamFigures, run_streams

REFERENCE_PROXY = 50_400  # requests per second of nginx as a proxy on the machine the targets were set on
TARGET_RPS = 1_000
TARGET_P50_MS = 1.1
TARGET_CPU = 0.60


def main() -> int:
    """Run everything; 0 if every target (scaled to this machine) was met."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=8, help="length of each measurement")
    parser.add_argument("--streams", type=int, default=300, help="concurrent streams")
    options = parser.parse_args()
    for tool in ("wrk", "nginx"):
        if shutil.which(tool) is None and not Path(f"/usr/sbin/{tool}").exists():
            print(f"The benchmark needs {tool}: apt-get install {'nginx-light' if tool == 'nginx' else tool}")
            return 2
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return measure(Path(folder), options.seconds, options.streams)


def measure(folder: Path, seconds: int, streams: int) -> int:
    """Start the mock and both proxies, measure each, print."""
    with Nginx(folder) as nginx, Gateway(folder, nginx.mock_url) as gateway:
        rows: list[tuple[str, Figures]] = []
        places = (
            ("direct", nginx.mock_url, ""),
            ("nginx proxy", nginx.proxy_url, ""),
            ("gateway", gateway.url, gateway.key),
        )
        for name, url, key in places:
            print(f"measuring {name} …", file=sys.stderr, flush=True)
            rows.append((name, Figures(throughput(folder, url, key, seconds), latency(folder, url, key, seconds))))
        print(f"measuring {streams} streams …", file=sys.stderr, flush=True)
        streamed = run_streams(gateway, streams, seconds)
    return report(rows, streamed)


def report(rows: list[tuple[str, Figures]], streamed: StreamFigures) -> int:
    """Print the table and whether the targets hold."""
    print(f"\n{'':14}{'req/s, 32 connections':>24}{'p50 ms, 1 connection':>24}{'p99 ms':>10}")
    for name, figures in rows:
        print(f"{name:14}{figures.rps:>24,.0f}{figures.latency.p50:>24.2f}{figures.latency.p99:>10.2f}")
    proxy, gateway = rows[1][1], rows[2][1]
    scale = proxy.rps / REFERENCE_PROXY
    print(f"\ngateway / nginx proxy: {gateway.rps / proxy.rps:.1%} of the requests per second")
    print(
        f"\n{streamed.streams} streams: {streamed.chunks_per_second:,.0f} chunks/s, "
        f"{streamed.cpu:.0%} of a core, {streamed.memory_mb:.0f} MB, {streamed.incomplete} incomplete"
    )
    cpu = TARGET_CPU / min(scale, 1.0)
    checks = (
        (f"≥ {TARGET_RPS * scale:,.0f} req/s ({TARGET_RPS:,} scaled by nginx)", gateway.rps >= TARGET_RPS * scale),
        (
            f"p50 ≤ {TARGET_P50_MS / scale:.2f} ms ({TARGET_P50_MS} scaled)",
            gateway.latency.p50 <= TARGET_P50_MS / scale,
        ),
        (f"streams under {cpu:.0%} of a core ({TARGET_CPU:.0%} scaled)", streamed.cpu < cpu),
        ("every stream complete", streamed.incomplete == 0),
    )
    print()
    for what, held in checks:
        print(f"{'met   ' if held else 'MISSED'}  {what}")
    return 0 if all(held for _, held in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
