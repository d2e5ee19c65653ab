import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from metrics import record, spool
from tests.metrics.records import made

LINE = b'{"id":"' + b"x" * 300_000 + b'"}\n'


def test_a_file_is_finished_only_when_its_writer_is_done_with_it(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path)
    writer.append(b"one\n")
    [path] = spool.files(tmp_path)
    with spool.opened(path) as (_, finished):
        assert not finished
    writer.append(b"two\n")
    writer.rotate()
    with spool.opened(path) as (file, finished):
        assert finished
        assert file is not None
        assert file.read() == b"one\ntwo\n"


def test_rotating_with_nothing_written_makes_no_file(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path)
    writer.rotate()
    assert list(tmp_path.iterdir()) == []


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    writer = spool.Spool(tmp_path, max_bytes=10)
    for _ in range(3):
        writer.append(b"12345678901\n")
    assert len(spool.files(tmp_path)) == 3
    for path in spool.files(tmp_path):
        with spool.opened(path) as (_, finished):
            assert finished


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    spool.Spool(tmp_path / "spool").append(b"one\n")
    [path] = spool.files(tmp_path / "spool")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def little_space() -> Iterator[None]:
    """No file of this process may grow beyond 1,000,000 bytes: writing then fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("little_space")
def test_a_full_disk_costs_a_record_but_no_request_and_leaves_whole_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = spool.Spool(tmp_path)
    assert [writer.append(LINE) for _ in range(6)] == [True, True, True, False, False, False]
    assert writer.append(b"a short one\n")
    assert writer.lost == 3
    assert len(caplog.records) == 1
    writer.rotate()
    [path] = spool.files(tmp_path)
    assert path.read_bytes() == LINE * 3 + b"a short one\n"


def test_a_directory_that_cannot_be_made_costs_records_but_no_request(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    writer = spool.Spool(tmp_path / "spool")
    assert not writer.append(b"one\n")
    (tmp_path / "spool").unlink()
    assert writer.append(b"two\n")
    assert writer.lost == 1


def test_a_forked_child_writes_to_a_file_of_its_own(tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    parent = os.fork()
    if parent == 0:  # a process whose spool nobody else has touched
        record.append(made())
        if os.fork() == 0:
            record.append(made())
            os._exit(0)
        os.wait()
        [first, second] = spool.files(tmp_path / "spool")
        states = []
        for path in (first, second):
            with spool.opened(path) as (_, finished):
                states.append(finished)
        os._exit(0 if states == [False, True] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(parent, 0)[1]) == 0


def test_the_lease_has_one_holder(tmp_path: Path) -> None:
    with spool.lease(tmp_path) as first, spool.lease(tmp_path) as second:
        assert (first, second) == (True, False)
    with spool.lease(tmp_path) as third:
        assert third


def test_what_a_writer_left_before_naming_its_file_is_swept_away(tmp_path: Path) -> None:
    old, young = tmp_path / "1-1-a.new", tmp_path / "2-2-b.new"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 100, time.time() - 100))
    spool.sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [young.name]
