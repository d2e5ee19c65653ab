import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from metrics import drain, record, spans, spool
from metrics.models import AttemptLog, RequestLog, SpoolMark, UsageHour, UsageTotal
from metrics.signals import drained
from tests.metrics.process import STEPS
from tests.metrics.records import NOON, Killed, killed_at, made, spans_of_hours, spans_stored, spooled, stored

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def announced() -> Iterator[list[dict[str, Any]]]:
    """The records that the signal has told of."""
    told: list[dict[str, Any]] = []

    def listen(records: list[dict[str, Any]], **_: Any) -> None:
        told.extend(records)

    drained.connect(listen)
    yield told
    drained.disconnect(listen)


def test_a_record_becomes_a_request_its_attempts_and_its_hour(tmp_path: Path) -> None:
    entry = made()
    spooled(tmp_path, entry)
    assert drain.drain(tmp_path) == drain.Drained(records=1, files=1)
    request = RequestLog.objects.get()
    assert (request.id, request.at.timestamp(), request.cost) == (entry["id"], entry["at"], Decimal("0.000125"))
    assert request.skipped == entry["skipped"]
    first, second = AttemptLog.objects.all()
    assert (first.id, first.outcome, second.endpoint) == (f"{entry['id']}-1", "timeout", "acme/large")
    assert second.at.timestamp() == pytest.approx(entry["at"] + 0.08)
    hour = UsageHour.objects.get(endpoint="acme/large")
    assert (hour.requests, hour.succeeded, hour.prompt_tokens, hour.cost) == (1, 1, 11, Decimal("0.000125"))
    assert spool.files(tmp_path) == []


def test_hours_grow_with_each_batch(tmp_path: Path) -> None:
    for _ in range(3):
        spooled(tmp_path, made(), made(duration_ms=10_000.0, cost=None))
        drain.drain(tmp_path)
    hour = UsageHour.objects.get(endpoint="acme/large")
    assert (hour.requests, hour.unpriced, hour.tries, hour.cost) == (6, 3, 6, Decimal("0.000375"))
    assert hour.duration_ms == 3 * 10_250
    assert sorted(hour.latency.values()) == [3, 3]


def test_totals_grow_with_each_batch_whatever_the_hour(tmp_path: Path) -> None:
    for hours in range(3):
        spooled(tmp_path, made(at=NOON - 3600 * hours, category="tools"), made(at=NOON - 3600 * hours))
        drain.drain(tmp_path)
    total = UsageTotal.objects.get(endpoint="acme/large")
    assert (total.requests, total.tries, total.cost, sum(total.latency.values())) == (6, 6, Decimal("0.00075"), 6)
    assert UsageTotal.objects.get(endpoint="zeta/large").failovers == 6
    assert UsageTotal.objects.get(endpoint="slow").limit_skips == 6


def test_spans_agree_with_the_hours_whatever_was_drained_in_which_order(tmp_path: Path) -> None:
    hours = (0, 1, 30, 800, 1, 9000)
    for number, back in enumerate(hours):
        spooled(
            tmp_path,
            made(at=NOON - 3600 * back, currency="EUR" if number % 2 else "USD", api_key=f"key{number % 3}"),
            made(at=NOON - 3600 * (back + 24), category="tools", cost=None, currency="", first_ms=None),
            made(at=NOON - 3600 * back, outcome="timeout", provider="zeta", endpoint="zeta/large", route="slow"),
        )
        drain.drain(tmp_path)
    said = spans_stored()
    assert said == spans_of_hours()
    for span in spans.SPANS:
        for dimension in ("", *spans.DIMENSIONS):
            rows = [row for key, row in said.items() if (key.span, key.dimension) == (span, dimension)]
            assert sum(row["requests"] for row in rows) == 18
            assert sum(row["costs"].get("EUR", 0) for row in rows) == 3 * Decimal("0.000125")


def test_catching_up_takes_whole_lines_of_live_files_too_and_leaves_the_files(tmp_path: Path) -> None:
    writers = [spool.Spool(tmp_path) for _ in range(3)]
    lines = [record.encode(record.fit(made())) for _ in range(6)]
    for writer, line in zip(writers, lines, strict=False):
        writer.append(line)
    drain.catch_up(tmp_path, 10)
    assert stored() == (3, 6, 3, 6)
    torn = spool.files(tmp_path)[0]
    with torn.open("ab") as file:
        file.write(lines[3][:100])
    drain.catch_up(tmp_path, 10)
    assert stored() == (3, 6, 3, 6)
    with torn.open("ab") as file:
        file.write(lines[3][100:])
    writers[1].append(lines[4])
    drain.catch_up(tmp_path, 10)
    assert stored() == (5, 10, 5, 10)
    assert len(spool.files(tmp_path)) == 3
    for writer in writers:
        writer.rotate()
    assert drain.drain(tmp_path) == drain.Drained(files=3)
    assert stored() == (5, 10, 5, 10)


def test_catching_up_does_not_wait_for_what_is_written_meanwhile(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path)

    def write_another(**_: Any) -> None:
        writer.append(record.encode(record.fit(made())))

    write_another()
    drained.connect(write_another)
    drain.catch_up(tmp_path, 5)
    drained.disconnect(write_another)
    assert stored()[0] == 1


def test_a_live_file_is_left_alone(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path)
    writer.append(record.encode(record.fit(made())))
    assert drain.drain(tmp_path).idle
    assert len(spool.files(tmp_path)) == 1


@pytest.mark.parametrize("occurrence", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_dying_at_any_step_loses_and_doubles_nothing(tmp_path: Path, step: str, occurrence: int) -> None:
    for _ in range(2):
        spooled(tmp_path, *(made() for _ in range(5)))
    with pytest.raises(Killed):
        drain.drain(tmp_path, killed_at(step, occurrence))
    drain.drain(tmp_path)
    assert stored() == (10, 20, 10, 20)
    assert spans_stored() == spans_of_hours()
    assert spool.files(tmp_path) == []


def test_a_large_file_is_taken_in_batches_and_resumed_at_its_mark(tmp_path: Path) -> None:
    spooled(tmp_path, *(made() for _ in range(1200)))
    with pytest.raises(Killed):
        drain.drain(tmp_path, killed_at("committed", 2))
    assert stored()[0] == 1000
    assert drain.drain(tmp_path) == drain.Drained(records=200, files=1)
    assert stored() == (1200, 2400, 1200, 2400)


def test_a_record_in_two_files_or_twice_in_one_counts_once(tmp_path: Path) -> None:
    entry, other = made(), made()
    spooled(tmp_path, entry, other, entry)
    spooled(tmp_path, entry)
    done = drain.drain(tmp_path)
    assert (done.records, done.known) == (2, 2)
    assert stored() == (2, 4, 2, 4)


def test_the_line_that_a_death_tore_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = spooled(tmp_path, made(), made())
    path.write_bytes(path.read_bytes()[:-100])
    assert drain.drain(tmp_path) == drain.Drained(records=1, files=1)
    assert "cut off" in caplog.text
    assert not (tmp_path / drain.REJECTED).exists()


def test_lines_that_are_no_records_are_put_aside_and_stop_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = spooled(tmp_path, made(), made())
    bad = [b"{oops\n", b"\xff\x00\n", b"[1, 2]\n", b'{"id": "x", "attempts": 5}\n']
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"".join(bad) + second)
    assert drain.drain(tmp_path) == drain.Drained(records=2, rejected=4, files=1)
    assert (tmp_path / drain.REJECTED).read_bytes() == b"".join(bad)
    assert caplog.text.count("is no record") == 4


@pytest.fixture
def refusing() -> Iterator[None]:
    """A database that refuses requests with a certain id of their caller."""
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        if sqlite:
            cursor.execute(
                "CREATE TRIGGER poison BEFORE INSERT ON metrics_requestlog WHEN NEW.request_id = 'poison' "
                "BEGIN SELECT RAISE(ABORT, 'no poison'); END"
            )
        else:
            cursor.execute("ALTER TABLE metrics_requestlog ADD CONSTRAINT poison CHECK (request_id <> 'poison')")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER poison" if sqlite else "ALTER TABLE metrics_requestlog DROP CONSTRAINT poison")


@pytest.mark.usefixtures("refusing")
def test_a_record_that_the_database_refuses_is_put_aside_and_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    poison = [made(request_id="poison") for _ in range(2)]
    spooled(tmp_path, *(made() for _ in range(7)), poison[0], *(made() for _ in range(6)), poison[1])
    assert drain.drain(tmp_path) == drain.Drained(records=13, rejected=2, files=1)
    assert stored() == (13, 26, 13, 26)
    lines = (tmp_path / drain.REJECTED).read_bytes().splitlines()
    assert [record.decode(line)["id"] for line in lines] == [entry["id"] for entry in poison]
    assert caplog.text.count("refuses") == 2


def test_the_signal_tells_of_each_new_record_once_after_it_is_stored(
    tmp_path: Path, announced: list[dict[str, Any]]
) -> None:
    entry = made()
    spooled(tmp_path, entry)
    with pytest.raises(Killed):
        drain.drain(tmp_path, killed_at("marked"))
    assert announced == []
    spooled(tmp_path, entry, made())
    drain.drain(tmp_path)
    assert len(announced) == 2
    assert announced[0]["attempts"][0]["endpoint"] == "zeta/large"


def test_a_listener_that_fails_harms_nothing(tmp_path: Path) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("a bug above")

    drained.connect(fail)
    logging.getLogger("django.dispatch").disabled = True
    spooled(tmp_path, made())
    done = drain.drain(tmp_path)
    logging.getLogger("django.dispatch").disabled = False
    drained.disconnect(fail)
    assert done.records == 1


def test_a_mark_that_another_drainer_moved_is_respected(tmp_path: Path) -> None:
    path = spooled(tmp_path, *(made() for _ in range(3)))
    first = len(path.read_bytes().splitlines(keepends=True)[0])

    def interfere(step: str) -> None:
        if step == "read" and not SpoolMark.objects.exists():
            SpoolMark.objects.create(name=path.name, offset=first)

    assert drain.drain(tmp_path, interfere).records == 2


def test_a_database_without_its_tables_keeps_the_file(tmp_path: Path) -> None:
    spooled(tmp_path, made())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE metrics_usagehour RENAME TO away")
    try:
        with pytest.raises(DatabaseError):
            drain.drain(tmp_path)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO metrics_usagehour")
    assert RequestLog.objects.count() == 0
    assert drain.drain(tmp_path).records == 1
