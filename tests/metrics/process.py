"""A process of its own that writes, drains and dies: ``python -m tests.metrics.process SCENARIO``.

Takes GATEWAY_DATA_DIR and DATABASE_URL from its environment, makes the tables, and prints its result as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("read", "begun", "inserted", "summed", "marked", "committed", "deleted")


def play(scenario: str, data: Path, database: str = "") -> dict[str, Any]:
    """Run a scenario in a new process and return what it says. Called by the tests."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "gateway_project.settings",
        "GATEWAY_IGNORE_DOTENV": "yes",
        "GATEWAY_DATA_DIR": str(data),
        "DATABASE_URL": database,
        "SECRET_KEY": "tests-only-" + "0123456789" * 5,
        "GATEWAY_ENCRYPTION_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=",
        "LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "tests.metrics.process", scenario]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as process:
        try:
            said, complaints = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, complaints
    told: dict[str, Any] = json.loads(said.splitlines()[-1])
    return told


def forked(work: Callable[[], object]) -> int:
    """A child that does its work and ends without the parent's farewells."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the child must end here, whatever happened
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def write(count: int, announce: int, rotate_every: int = 40) -> None:
    """Append records, and say each id only after it has been appended."""
    from metrics import record, spool
    from tests.metrics.records import made

    for number in range(count):
        entry = made()
        record.append(entry)
        os.write(announce, entry["id"].encode() + b"\n")
        if number % rotate_every == rotate_every - 1:
            spool.own().rotate()


def drain_until_killed() -> None:
    from metrics import drain, spool

    while True:
        drain.drain(spool.default_directory())


def disconnect() -> None:
    """Before forking: no two processes may speak over one connection, pooled ones included."""
    from django.db import connection, connections

    connections.close_all()
    if connection.vendor == "postgresql":
        connection.close_pool()


def die_at(step: str) -> Callable[[str], None]:
    def checkpoint(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


def outcome(announced: list[str]) -> dict[str, Any]:
    """What is in the database after a last drain, against what was announced."""
    from metrics import drain, spool
    from metrics.models import RequestLog, SpoolMark
    from tests.metrics.records import spans_of_hours, spans_stored, stored

    drain.drain(spool.default_directory())
    here = set(RequestLog.objects.values_list("id", flat=True))
    return {
        "announced": len(announced),
        "missing": len(set(announced) - here),
        "stored": stored(),
        "spans_agree": spans_stored() == spans_of_hours(),
        "files": len(spool.files(spool.default_directory())),
        "marks": SpoolMark.objects.count(),
    }


def writers_killed() -> dict[str, Any]:
    """Three writers are killed in the midst of it, while two drainers work and one of those is killed too."""
    disconnect()
    drainers = [forked(drain_until_killed) for _ in range(2)]
    reader, announce = os.pipe()
    writers = [forked(lambda: write(10**6, announce)) for _ in range(3)]
    os.close(announce)
    with os.fdopen(reader) as pipe:
        announced = [pipe.readline().strip() for _ in range(300)]
        os.kill(drainers[0], signal.SIGKILL)
        announced += [pipe.readline().strip() for _ in range(600)]
        for writer in writers:
            os.kill(writer, signal.SIGKILL)
        announced += [line.strip() for line in pipe if line.endswith("\n")]
    os.kill(drainers[1], signal.SIGKILL)
    for child in writers + drainers:
        os.waitpid(child, 0)
    return outcome(announced)


def drainers_killed() -> dict[str, Any]:
    """A drainer dies at each step in turn, over the same spool."""
    from metrics import drain, spool

    reader, announce = os.pipe()
    os.waitpid(forked(lambda: write(60, announce, rotate_every=6)), 0)
    os.close(announce)
    with os.fdopen(reader) as pipe:
        announced = pipe.read().split()
    deaths = []
    disconnect()
    for step in STEPS:
        child = forked(lambda step=step: drain.drain(spool.default_directory(), die_at(step)))  # type: ignore[misc]
        deaths.append(os.WTERMSIG(os.waitpid(child, 0)[1]))
    return outcome(announced) | {"deaths": deaths}


def drainers_race() -> dict[str, Any]:
    """Four hosts drain into one database, two drainers each; a part of the records is on two hosts."""
    from metrics import drain, spool
    from tests.metrics.records import made, spooled

    entries = [made() for _ in range(1600)]
    hosts = [spool.default_directory().with_name(f"host-{number}") for number in range(4)]
    for start in range(0, len(entries), 40):
        number = start // 40
        spooled(hosts[number % 4], *entries[start : start + 40])
        spooled(hosts[(number + 1) % 4], *entries[start : start + 10])
    disconnect()
    children = [forked(lambda host=host: drain.drain(host)) for host in hosts * 2]  # type: ignore[misc]
    codes = {os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children}
    told = outcome([entry["id"] for entry in entries])
    left = [path for host in hosts for path in host.iterdir()]
    return told | {"codes": list(codes), "files": len(left)}


def native() -> dict[str, Any]:
    """Under gevent: a writer waits for a lock that only the event loop can free."""
    import gevent
    from django.conf import settings
    from django.db import connection

    from metrics import native as under_test
    from metrics.models import SpoolMark

    disconnect()
    lock = connection.Database.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    writer = gevent.spawn(under_test.run, SpoolMark.objects.create, name="from a greenlet")
    gevent.sleep(0)
    gevent.sleep(0)
    lock.execute("COMMIT")
    writer.get()

    def refuse() -> None:
        raise KeyError("as it was raised")

    try:
        under_test.run(refuse)
        raised = ""
    except KeyError as error:
        raised = str(error)
    nested = under_test.run(lambda: under_test.run(lambda: under_test.run_request(lambda: "nested")))
    child = forked(lambda: under_test.run(SpoolMark.objects.create, name="from a child"))
    code = os.WEXITSTATUS(os.waitpid(child, 0)[1])
    request = under_test.run_request(lambda: under_test.run(SpoolMark.objects.count))
    return {"raised": raised, "nested": nested, "child": code, "request": request}


def pooled() -> dict[str, Any]:
    """Under gevent on PostgreSQL: more greenlets than the pool has connections, none of which may be kept."""
    import gevent

    from metrics import native as under_test
    from metrics.models import SpoolMark

    disconnect()
    jobs = [gevent.spawn(under_test.run, SpoolMark.objects.create, name=str(number)) for number in range(40)]
    gevent.joinall(jobs, raise_error=True)
    return {"marks": under_test.run(SpoolMark.objects.count)}


def worker() -> dict[str, Any]:
    """A worker's life under gevent: start, records, SIGTERM's stop."""
    from metrics import loop, native, record, spool
    from tests.metrics.records import made, stored

    disconnect()
    loop.start()
    for _ in range(30):
        record.append(made())
    done = loop.stop(20)
    return {"stored": native.run(stored), "files": len(spool.files(spool.default_directory())), "records": done.records}


def main(scenario: str) -> None:
    if scenario in ("native", "pooled", "worker"):
        from gevent import monkey

        monkey.patch_all()
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", "metrics", verbosity=0)
    scenarios = (writers_killed, drainers_killed, drainers_race, native, pooled, worker)
    print(json.dumps({function.__name__: function for function in scenarios}[scenario]()))


if __name__ == "__main__":
    main(sys.argv[1])
