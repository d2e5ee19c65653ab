"""How long the dashboard takes to open with a year of 50 endpoints × 20 keys: ``python -m bench.dashboard``.

In databases of its own, SQLite in a temporary folder and (with --postgres URL of a server's database) PostgreSQL. The
page is asked for in process, rendering included; what is read is what a serving worker reads.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

ENDPOINTS, KEYS, PROVIDERS, MODELS, CATEGORIES = 50, 20, 5, 25, 8
OPENINGS = 15
SERVER = "postgresql://postgres@127.0.0.1:5432/test"


def main() -> int:
    """Measure each store in a process of its own; 0 if every opening's median is below 300 ms."""
    parser = argparse.ArgumentParser(prog="bench.dashboard", description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", default=SERVER, help='a database of the server, "" for none')
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return measure()
    slow = run("SQLite", "")
    if options.postgres:
        import psycopg

        name = f"bench_{uuid.uuid4().hex[:10]}"
        with psycopg.connect(options.postgres, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"')
            try:
                slow += run("PostgreSQL", f"{options.postgres.rpartition('/')[0]}/{name}")
            finally:
                server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    return 1 if slow else 0


def run(store: str, url: str) -> int:
    """The measurement on one store: its exit status."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "gateway_project.settings",
            "GATEWAY_IGNORE_DOTENV": "yes",
            "GATEWAY_DATA_DIR": folder,
            "DATABASE_URL": url,
            "SECRET_KEY": "bench-only-" + "0123456789" * 5,
            "GATEWAY_ENCRYPTION_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
            "LOG_LEVEL": "error",
        }
        print(f"\n{store}", flush=True)
        return subprocess.run([sys.executable, "-m", "bench.dashboard", "--here"], env=environment).returncode


def measure() -> int:
    """Fill the database of the environment and open the page."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    began = time.perf_counter()
    rows, hours = fill()
    print(f"  {rows:,} rows of spans, {hours:,} of hours, in {time.perf_counter() - began:.0f} s", flush=True)
    return openings()


def fill() -> tuple[int, int]:
    """A year of spans as an installation has them (names' hours for 60 days), and a day of hours."""
    from django.db import transaction

    from metrics import insert, spans
    from metrics.models import SpanFill, UsageHour, UsageSpan

    now = datetime.now(UTC)
    count, batch = 0, []
    for row in span_rows(now):
        batch.append(row)
        count += 1
        if len(batch) == 5000:
            with transaction.atomic():
                insert.upsert(UsageSpan, batch, spans.Span._fields)
            batch = []
    insert.upsert(UsageSpan, batch, spans.Span._fields)
    hours = [hour_row(now, back, place) for back in range(24) for place in range(ENDPOINTS * KEYS)]
    unique = ("hour", "model", "category", "api_key", "provider", "endpoint", "currency")
    with transaction.atomic():
        insert.upsert(UsageHour, hours, unique)
    SpanFill.objects.create(pk=1, back_to=None)
    return count, len(hours)


def names() -> dict[str, list[str]]:
    """By dimension."""
    return {
        "": [""],
        "provider": [f"provider{number}" for number in range(PROVIDERS)],
        "model": [f"model-{number}" for number in range(MODELS)],
        "api_key": [f"application-{number}" for number in range(KEYS)],
        "category": ["", *(f"category{number}" for number in range(CATEGORIES))],
        "endpoint": [f"provider{number % PROVIDERS}/model-{number}" for number in range(ENDPOINTS)],
    }


def span_rows(now: datetime) -> Iterator[dict[str, Any]]:
    """Every span of the 24 months that the longest period and the one before it read."""
    from metrics import spans

    for span, days in ((spans.MONTH, 730), (spans.DAY, 730), (spans.HOUR, 730)):
        start = spans.begin(span, now - timedelta(days=days))
        while start <= now:
            for dimension, known in names().items():
                if span == spans.HOUR and dimension and now - start > timedelta(days=60):
                    continue
                for name in known:
                    yield {
                        "span": span, "dimension": dimension, "start": start, "name": name,
                        **sums(len(known), span), "costs": {"USD": "12.3456", "EUR": "0.5"},
                    }  # fmt: skip
            start = spans.after(span, start)


def hour_row(now: datetime, back: int, place: int) -> dict[str, Any]:
    from metrics import spans

    key, endpoint = divmod(place, ENDPOINTS)
    hour = spans.begin(spans.HOUR, now) - timedelta(hours=back)
    known = names()
    return {
        "hour": hour, "model": known["model"][endpoint % MODELS], "category": "", "api_key": known["api_key"][key],
        "provider": f"provider{endpoint % PROVIDERS}", "endpoint": known["endpoint"][endpoint], "currency": "USD",
        **sums(1000, "hour"), "cost": 1,
    }  # fmt: skip


def sums(parts: int, span: str) -> dict[str, Any]:
    """One of ``parts`` of a busy gateway's figures."""
    requests = {"hour": 40_000, "day": 960_000, "month": 29_000_000}[span] // parts
    failed = requests // 90
    return {
        "requests": requests, "succeeded": requests - failed - failed // 3, "failed": failed, "cancelled": failed // 3,
        "tries": requests + failed, "failed_tries": failed * 2, "failovers": failed, "limit_skips": 7,
        "prompt_tokens": requests * 900, "completion_tokens": requests * 210, "cached_tokens": requests * 300,
        "reasoning_tokens": 0, "unpriced": failed, "duration_ms": requests * 900.0,
        "latency": histogram(requests, 85), "first_content": histogram(requests, 68),
    }  # fmt: skip


def histogram(requests: int, middle: int) -> dict[str, int]:
    """Some 50 buckets around a middle, as a day of a real model has."""
    moved = middle + random.randint(-4, 4)
    return {str(moved + step): max(1, int(requests / 22 / (1 + (step / 7) ** 2))) for step in range(-25, 26)}


def openings() -> int:
    """Open the page for each period, by endpoint, and print medians."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from metrics import periods

    page = Client(SERVER_NAME="localhost")
    page.force_login(User.objects.create_superuser("bench"))
    page.get("/admin/")
    slow = False
    for name in periods.PERIODS:
        for what, more in (("page", ""), ("refresh", "&fragment=1")):
            address, took = f"/admin/?period={name}&by=endpoint{more}", []
            for _ in range(OPENINGS):
                began = time.perf_counter()
                answer = page.get(address)
                took.append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200, answer.status_code
            with CaptureQueriesContext(connection) as asked:
                page.get(address)
            median = statistics.median(took)
            slow |= median >= 300
            told = {"median": round(median), "longest": round(max(took)), "queries": len(asked)}
            print(f"  {name:4} {what:8} {json.dumps(told)}  {len(answer.content) // 1024} kB", flush=True)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
