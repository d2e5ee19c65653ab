"""Measure admissions to sliding windows per second, and how long a caller waits for one, for each store.

    python -m bench.limits [--seconds 4]

SQLite in a temporary directory; PostgreSQL where BENCH_POSTGRES_URL names an empty database; Redis where REDIS_URL is
set. The workers are processes under gevent, as in the gateway. Refusals go past the memory of refusals, which answers
a hot one in about a microsecond.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CASES = (
    ("1 caller, admitted", 1, 1, None),
    ("2 × 50 callers, admitted", 2, 50, None),
    ("2 × 50 callers, limit 100", 2, 50, 100),
)


def main() -> int:
    """Print a table; 0 unless a limit did not hold."""
    parser = argparse.ArgumentParser(prog="bench.limits", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4, help="length of each measurement")
    seconds = parser.parse_args().seconds
    exact = True
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for store, place in places(folder):
            migrate = "import django; django.setup(); from django.core.management import call_command as c;"
            subprocess.run(
                [sys.executable, "-c", f"{migrate} c('migrate', 'routing', verbosity=0)"],
                env=place,
                cwd=ROOT,
                check=True,
            )
            for name, workers, callers, limit in CASES:
                told = run(place, workers, callers, limit, seconds)
                waits = sorted(wait for worker in told for wait in worker["waits"])
                admitted = sum(worker["admitted"] for worker in told)
                unsaid = sum(worker["unsaid"] for worker in told)
                exact = exact and (limit is None or unsaid > 0 or admitted == limit)
                p99 = waits[int(len(waits) * 0.99)]
                print(
                    f"{store:12}{name:28}{len(waits) / seconds:>8,.0f}/s   p50 {statistics.median(waits):6.2f} ms"
                    f"   p99 {p99:6.2f} ms   admitted {admitted:,}, no verdict {unsaid}",
                    flush=True,
                )
    return 0 if exact else 1


def places(folder: str) -> list[tuple[str, dict[str, str]]]:
    """The environment of a worker, for each store there is."""
    base = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "gateway_project.settings",
        "GATEWAY_IGNORE_DOTENV": "yes",
        "GATEWAY_DATA_DIR": folder,
        "SECRET_KEY": "bench-only-" + "0123456789" * 5,
        "GATEWAY_ENCRYPTION_KEYS": "YmVuY2gtb25seS1iZW5jaC1vbmx5LWJlbmNoLW9ubHk=",
    }
    found = [("SQLite", base)]
    if "BENCH_POSTGRES_URL" in os.environ:
        found.append(("PostgreSQL", base | {"DATABASE_URL": os.environ["BENCH_POSTGRES_URL"]}))
    if "REDIS_URL" in os.environ:
        found.append(("Redis", base | {"REDIS_URL": os.environ["REDIS_URL"]}))
    return found


def run(
    place: dict[str, str], workers: int, callers: int, limit: int | None, seconds: float
) -> list[dict[str, list[float]]]:
    """What each of the workers measured."""
    arguments = [
        sys.executable,
        "-m",
        "bench.limits",
        "worker",
        str(callers),
        str(limit or 0),
        str(seconds),
        uuid.uuid4().hex,
    ]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(arguments, env=place, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(workers)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in processes]


def worker(callers: int, limit: int, seconds: float, key: str) -> None:
    """Take again and again; print milliseconds waited, and what came of it."""
    import time

    import django
    import gevent

    django.setup()
    from routing.limits import Ticket, Window
    from routing.windows import WINDOWS
    from routing.windows.orders import Take

    WINDOWS.take([Window("warm", None, None, 1)], 0)
    pump = WINDOWS._running()
    print("ready", flush=True)
    sys.stdin.readline()
    window = Window(key, limit or None, None, 3600)
    waits: list[float] = []
    count = {"admitted": 0, "unsaid": 0}
    until = time.perf_counter() + seconds

    def call(number: int) -> None:
        while (started := time.perf_counter()) < until:
            verdict = pump.take(Take(f"{os.getpid()}-{number}-{len(waits)}-{started}", (window,), 0))
            waits.append((time.perf_counter() - started) * 1000)
            count["admitted"] += isinstance(verdict, Ticket)
            count["unsaid"] += verdict is None

    gevent.joinall([gevent.spawn(call, number) for number in range(callers)], raise_error=True)
    print(json.dumps({"waits": waits, **count}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        from gevent import monkey

        monkey.patch_all()
        worker(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5])
    else:
        sys.exit(main())
