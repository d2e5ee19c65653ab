"""How fast the drainer writes, and how fast the request log opens over many rows: ``python -m bench.request_log``.

In a throw-away data directory, on SQLite, or on the PostgreSQL database of ``--database`` (its schema ``request_log``
is dropped and made again). Figures stand in docs/measurements.md.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DAYS = 30
MODELS = 12
ENDPOINTS = 50
KEYS = 20
BATCH = 5000
REPEATS = 5
PAGES = {
    "no filter": "",
    "the older page": "@older",
    "last 24 hours": "period=24h",
    "model": "model=model-3",
    "rare model": "model=rare-model",
    "provider": "provider=vendor-2",
    "endpoint": "endpoint=vendor-2/model-2-12",
    "rare endpoint": "endpoint=rare-endpoint",
    "key": "key=app-7",
    "key unused for 20 days": "key=long-gone",
    "nobody's key": "key=nobody",
    "category": "category=coding",
    "outcome error": "outcome=error",
    "status 429": "status=429",
    "status 2xx": "status=2xx",
    "operation rerank": "operation=rerank",
    "cost from 0.05": "cost_min=0.05",
    "duration from 20 s": "duration_min=20000",
    "duration from 10 min (none)": "duration_min=600000",
    "error text": "error=timed+out",
    "error text (none)": "error=no+such+text",
    "key + model + 24 h": "key=app-7&model=model-3&period=24h",
    "endpoint + failed": "endpoint=vendor-2/model-2-12&outcome=failed",
    "key + cost from 1 (none)": "key=app-7&cost_min=1",
    "rare key + frequent model": "key=long-gone&model=model-3",
    "request id": "q=caller-500000",
}


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--drained", type=int, default=20_000, help="records for the drainer's figure")
    parser.add_argument("--database", default="", help="postgresql://…; default: SQLite in a temporary directory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="request-log-") as directory:
        _prepare(directory, arguments.database)
        print(f"| records drained | {_drained(Path(directory) / 'bench-spool', arguments.drained):,.0f}/s |")
        began = time.perf_counter()
        _fill(arguments.rows)
        print(f"| {arguments.rows:,} rows written | {time.perf_counter() - began:.0f} s |", flush=True)
        for name, seconds in _opened():
            print(f"| {name} | {seconds * 1000:.0f} ms |", flush=True)


def _prepare(directory: str, database: str) -> None:
    os.environ.update(GATEWAY_DATA_DIR=directory, DATABASE_URL=database, GATEWAY_IGNORE_DOTENV="yes")
    os.environ.update(SECRET_KEY="measurements-only-" + "0123456789" * 4, DJANGO_SETTINGS_MODULE="tests.settings")
    os.environ["TEST_DATABASE_URL"] = database
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    if database:
        options = settings.DATABASES["default"]["OPTIONS"]
        options["options"] = "-c search_path=request_log"
    django.setup()
    if database:
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS request_log CASCADE")
            cursor.execute("CREATE SCHEMA request_log")
    call_command("migrate", verbosity=0)


def _drained(directory: Path, count: int) -> float:
    """Records per second, the best of three: spool files → rows, attempts and sums."""
    from metrics import drain, record
    from metrics.spool import Spool

    best = 0.0
    for _ in range(3):
        writer = Spool(directory, max_bytes=1 << 30)
        for entry in _records(count, time.time() - 40 * 86_400, 3600):
            entry |= {"route": "model-1", "api_key": f"app-{int(entry['id'][-1] in 'ABCDEFGH')}"}  # few rows of sums
            entry |= {"endpoint": "vendor-1/one", "provider": "vendor-1"}
            writer.append(record.encode(record.fit(entry)))
        writer.rotate()
        began = time.perf_counter()
        done = drain.drain(directory)
        best = max(best, done.records / (time.perf_counter() - began))
    return best


def _records(count: int, start: float, seconds: float) -> Iterator[dict[str, Any]]:
    """``count`` made-up requests over ``seconds`` from ``start``; one in 20 fails, and some values are rare."""
    from metrics import ulid

    draw = random.Random(7)
    for number in range(count):
        at = start + seconds * number / count
        model, endpoint = draw.randrange(MODELS), draw.randrange(ENDPOINTS)
        vendor = endpoint % 5
        failed = draw.random() < 0.05
        long_ago = number < count / 3 and number % 5000 == 0
        rare = number % 100_000 == 17
        name = "rare-endpoint" if rare else f"vendor-{vendor}/model-{vendor}-{endpoint}"
        outcome, status = ("error", draw.choice((429, 503, 504))) if failed else ("success", 200)
        yield {
            "id": ulid.new(),
            "request_id": f"caller-{number}",
            "at": at,
            "api_key": "long-gone" if long_ago else f"app-{draw.randrange(KEYS)}",
            "operation": "rerank" if number % 997 == 0 else "chat",
            "stream": draw.random() < 0.5,
            "generation": 12,
            "requested_model": "rare-model" if rare else f"model-{model}",
            "route": "rare-model" if rare else f"model-{model}",
            "category": draw.choice(("coding", "french")) if number % 10 == 0 else "",
            "provider": f"vendor-{vendor}",
            "endpoint": name,
            "upstream_model": f"upstream-model-{model}",
            "answered_model": f"upstream-model-{model}-2026-01-01",
            "status": status,
            "outcome": outcome,
            "error_code": "upstream_timeout" if failed else "",
            "error": f"The upstream timed out after {endpoint} s." if failed else "",
            "finish_reason": "" if failed else "stop",
            "duration_ms": draw.lognormvariate(6.5, 1.0),
            "first_ms": draw.lognormvariate(5.5, 0.8),
            "overhead_ms": 0.7,
            "prompt_tokens": draw.randrange(20, 4000),
            "completion_tokens": draw.randrange(1, 900),
            "usage_source": "vendor",
            "cost": f"{draw.expovariate(200):.6f}",
            "currency": "USD",
            "tries": 2 if failed else 1,
            "skipped": [{"endpoint": "slow", "code": "circuit_open", "reason": "rests for 20 s"}] if failed else [],
            "attempts": [_attempt(name, vendor, model, outcome, status)],
        }


def _attempt(endpoint: str, vendor: int, model: int, outcome: str, status: int) -> dict[str, Any]:
    return {
        "number": 1,
        "endpoint": endpoint,
        "provider": f"vendor-{vendor}",
        "upstream_model": f"upstream-model-{model}",
        "credential": f"vendor-{vendor}:main",
        "outcome": outcome,
        "status": status,
        "started_ms": 0.4,
        "headers_ms": 210.0,
        "first_ms": 215.0,
        "end_ms": 800.0,
    }


def _fill(count: int) -> None:
    """Rows over the last month, without the sums: the log does not read them."""
    from django.db import connection, transaction

    from metrics import record
    from metrics.insert import insert

    batch: list[dict[str, Any]] = []
    for entry in _records(count, time.time() - DAYS * 86_400, DAYS * 86_400):
        batch.append(record.fit(entry))
        if len(batch) == BATCH:
            with transaction.atomic():
                insert(batch)
            batch.clear()
    with transaction.atomic():
        insert(batch)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as autovacuum does


def _opened() -> Iterator[tuple[str, float]]:
    """Each page with the median of its times, whole: view, template and all."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.test.utils import setup_test_environment

    setup_test_environment()  # responses tell their context
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("bench"))
    older = ""
    for name, query in PAGES.items():
        path = "/admin/metrics/requestlog/?" + (older if query == "@older" else query)
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            response = client.get(path)
            times.append(time.perf_counter() - began)
            assert response.status_code == 200, (path, response.status_code)
        page = response.context.get("page")
        if query == "" and page is not None and page.older:
            older = f"older={page.older}"
        rows = f"{len(page.rows)} rows{', goes on' if page.searched_to else ''}" if page is not None else ""
        yield f"{name} ({rows})", statistics.median(times)


if __name__ == "__main__":
    main()
